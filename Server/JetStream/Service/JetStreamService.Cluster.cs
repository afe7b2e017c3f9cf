using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Service.Cluster;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Raft.Wire;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>
/// The API of a cluster. A request crosses into the system account on its client's server, and every server hears it there;
/// the one that it concerns answers: the meta leader, or the leader of the stream.
/// </summary>
internal sealed partial class JetStreamService
{
    /// <summary>Subjects of requests that need no leader of the meta group to be found, and come by the thousand.</summary>
    private static readonly string[] Prompt = ["$JS.API.CONSUMER.MSG.NEXT.>", "$JS.API.DIRECT.GET.>"];

    /// <summary>Has something done in this mailbox later.</summary>
    public void After(TimeSpan delay, Action command)
    {
        ITimer? timer = null;
        timer = _settings.Time.CreateTimer(
            _ =>
            {
                timer?.Dispose();
                Run(command);
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        timer.Change(delay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends this server's part in the meta group.</summary>
    public Task LeaveClusterAsync()
    {
        if (Meta is not { } meta) return Task.CompletedTask;
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Run(() =>
        {
            meta.Stop();
            left.SetResult();
        });
        return left.Task;
    }

    /// <summary>A stream goes by another configuration.</summary>
    /// <exception cref="Storage.Disk.DiskException">It cannot.</exception>
    public void Reconfigure(StreamHost stream, StreamConfiguration configuration)
    {
        if (!TryWhenQuiet(stream, () => stream.Update(stream.Record with { Configuration = configuration }))) throw new Storage.Messages.CorruptStoreException("the stream takes no changes");
    }

    /// <summary>A stream goes, with all that it holds.</summary>
    /// <returns>False: it stays, and takes nothing more.</returns>
    public bool Remove(AccountStreams account, StreamHost stream)
    {
        if (!stream.HasStarted) account.Run(stream, null);
        return TryDelete(account, stream);
    }

    /// <summary>A stream stops, and stays on the disk as it is.</summary>
    public void Suspend(AccountStreams account, StreamHost stream)
    {
        account.Remove(stream.Configuration.Name);
        _ = stream.StopAsync();
    }

    public void AnnounceCreated(StreamHost stream) => Announce(stream, AdvisorySubjects.StreamCreated, AdvisoryAction.Create);

    public void AnnounceUpdated(StreamHost stream) => Announce(stream, AdvisorySubjects.StreamUpdated, AdvisoryAction.Modify);

    /// <summary>The answer to the creation of a stream. In the stream's mailbox.</summary>
    public StreamCreateResponse CreatedResponse(StreamHost stream) => CreatedAnswer(stream) with { Cluster = stream.Cluster, DidCreate = true };

    /// <summary>The answer to the change of a stream. In the stream's mailbox.</summary>
    public StreamUpdateResponse UpdatedResponse(StreamHost stream) => UpdatedAnswer(stream) with { Cluster = stream.Cluster };

    /// <summary>A stream as its leader describes it to other servers. In its mailbox.</summary>
    public byte[] DescribeStream(StreamHost stream) => JetStreamJson.Write(Describe(stream) with { Cluster = stream.Cluster });

    /// <summary>A consumer as its leader describes it to other servers; null: it is not here. In its stream's mailbox.</summary>
    public byte[]? DescribeConsumer(StreamHost stream, string name) =>
        stream.Consumers.Find(Encoding.UTF8.GetBytes(name)) is { Leads: true } consumer ? JetStreamJson.Write(Describe(stream, consumer) with { Configuration = consumer.Configuration }) : null;

    /// <summary>Has a consumer as it is assigned. In its stream's mailbox.</summary>
    public ConsumerHost PlaceConsumer(StreamHost stream, string name, ConsumerConfiguration configuration)
    {
        var consumer = stream.Consumers.Find(Encoding.UTF8.GetBytes(name));
        if (consumer is null) return stream.Consumers.Create(name, configuration, stream.Now);
        if (configuration != consumer.Configuration) stream.Consumers.Update(consumer, configuration, stream.Now);
        return consumer;
    }

    /// <summary>A consumer goes. In its stream's mailbox.</summary>
    /// <returns>This server led it.</returns>
    public static bool RemoveConsumer(StreamHost stream, string name)
    {
        if (stream.Fault is not null || stream.Consumers.Find(Encoding.UTF8.GetBytes(name)) is not { } consumer) return false;
        var leads = consumer.Leads;
        stream.Consumers.Delete(consumer);
        return leads;
    }

    /// <summary>Whose a request is.</summary>
    /// <param name="account">The account it was published in.</param>
    /// <param name="message">The request; one that has crossed into the system account says where it comes from.</param>
    /// <param name="source">Who published it.</param>
    /// <returns>The account, null: it is unknown here; the client; the account in which it is answered.</returns>
    public (Account? Requestor, ClientInfo? Client, Account Answers) WhoAsks(Account account, in Message message, Subscriber source)
    {
        if (Meta is null || !HeaderBlock.TryGet(message.Header, "Nats-Request-Info"u8, out var json)) return (account, source.Describe(detailed: true), account);
        try
        {
            var client = System.Text.Json.JsonSerializer.Deserialize(json, ProtocolJson.Default.ClientInfo);
            var name = string.IsNullOrEmpty(client?.Service) ? client?.Account : client.Service;
            return (name is null ? null : _accounts.Find(name), client, account);
        }
        catch (System.Text.Json.JsonException)
        {
            return (null, null, account);
        }
    }

    private void ListenInCluster(Account account)
    {
        var subscriber = new ApiSubscriber(this, account);
        if (ReferenceEquals(account, _system))
        {
            account.Subscribe(new Subscription(subscriber, [.. ApiSubject.Prefix, (byte)'>']));
            return;
        }
        foreach (var subject in Prompt) account.Subscribe(new Subscription(subscriber, Encoding.UTF8.GetBytes(subject)));
    }

    private void HandleInCluster(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        if (MetaHost.Serves(kind))
        {
            Meta!.Serve(account, call, kind);
            return;
        }
        if (IsAboutConsumer(kind))
        {
            HandleConsumerInCluster(account, call, kind);
            return;
        }
        if (account.Find(call.First) is { Leads: true } stream)
        {
            if (kind == ApiRequestKind.StreamLeaderStepDown) StepDown(stream, call);
            else Handle(account, call, kind);
            return;
        }
        // Who leads the stream answers, if there is one.
        if (!Meta!.IsLeading) return;
        var assigned = Meta.Assignments.Find(account.Account.Name, call.First);
        if (assigned is null) call.Fail(JetStreamErrors.JSStreamNotFoundErr);
        else if (assigned.OfflineReason is { } reason) After(TimeSpan.FromMilliseconds(500), () => call.Fail(JetStreamErrors.JSStreamOfflineReasonErrF.With(reason)));
        else if (Meta.Registry.AreAllOffline(assigned.Assignment.Group.Peers)) call.Fail(JetStreamErrors.JSStreamOfflineErr);
    }

    private static bool IsAboutConsumer(ApiRequestKind kind) =>
        kind is ApiRequestKind.ConsumerInfo or ApiRequestKind.ConsumerUnpin or ApiRequestKind.ConsumerReset or ApiRequestKind.ConsumerLeaderStepDown;

    private void HandleConsumerInCluster(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        if (account.Find(call.First) is { } stream && stream.Consumers.Serves(Encoding.UTF8.GetBytes(call.Second)))
        {
            if (kind == ApiRequestKind.ConsumerLeaderStepDown) Continue(stream, call, () => StepDownConsumer(stream, call));
            else HandleConsumers(account, call, kind);
            return;
        }
        if (!Meta!.IsLeading) return;
        if (Meta.Assignments.Find(account.Account.Name, call.First) is null) call.Fail(JetStreamErrors.JSStreamNotFoundErr);
        else if (Meta.Assignments.Find(account.Account.Name, call.First, call.Second) is not { } consumer) call.Fail(JetStreamErrors.JSConsumerNotFoundErr);
        else if (Meta.Registry.AreAllOffline(consumer.Assignment.Group.Peers)) call.Fail(JetStreamErrors.JSConsumerOfflineErr);
    }

    private void StepDownConsumer(StreamHost stream, ApiCall call)
    {
        if (stream.Consumers.Find(Encoding.UTF8.GetBytes(call.Second)) is not { Group: { } group })
        {
            call.Fail(JetStreamErrors.JSClusterRequiredErr);
            return;
        }
        call.Answer(new SuccessResponse(ResponseTypes.ConsumerLeaderStepDown));
        group.Core.StepDown(PeerId.None, group.Now);
    }

    private void StepDown(StreamHost stream, ApiCall call) => Continue(stream, call, () =>
    {
        if (stream.Group is not { } group)
        {
            call.Fail(JetStreamErrors.JSClusterRequiredErr);
            return;
        }
        var request = new LeaderStepDownRequest();
        if (ApiRequest.HasPayload(call.Payload) && ApiRequest.Read<LeaderStepDownRequest>(call.Payload, _settings.Strict, out request) is { } unreadable)
        {
            call.Fail(unreadable);
            return;
        }
        List<string> peers = [];
        foreach (var member in group.Core.Members) peers.Add(member.ToString());
        if (Meta!.ChooseLeader(peers, group.Core.Self.ToString(), request.Placement, out var preferred) is { } error)
        {
            call.Fail(error);
            return;
        }
        call.Answer(new SuccessResponse(ResponseTypes.StreamLeaderStepDown));
        group.Core.StepDown(preferred is null ? PeerId.None : PeerId.Parse(preferred), group.Now);
    });
}
