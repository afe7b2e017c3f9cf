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
using NatsAspire.Server.JetStream.Runtime.Groups;
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
    /// <summary>What those who know better have to answer first.</summary>
    private static readonly TimeSpan RefusalDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>Subjects of requests that need no leader of the meta group to be found, and come by the thousand.</summary>
    private static readonly string[] Prompt = ["$JS.API.CONSUMER.MSG.NEXT.>"];

    /// <summary>Fails a request that somebody else may know an answer to, which has time to come first.</summary>
    public void RefuseLate(ApiCall call, ApiError error) => After(RefusalDelay, () => call.Fail(error));

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

    /// <summary>
    /// Has others lead what this server leads, and tells them so: who waits for an election to begin by itself waits for
    /// seconds. To be called while the routes are open, before the server stops; it leads nothing any more afterwards.
    /// </summary>
    public async Task MakeWayAsync()
    {
        if (Meta is not { } meta) return;
        var hosts = Engine.Accounts.Values.SelectMany(account => account.Hosts.Values);
        await Task.WhenAll(hosts.Select(host => host.MakeWayAsync())).ConfigureAwait(false);
        var said = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Run(() =>
        {
            meta.MakeWay();
            said.SetResult();
        });
        await said.Task.ConfigureAwait(false);
    }

    /// <summary>Whether this server may lead what an account has; if not, others do from now on. From any thread.</summary>
    public void LetLead(Account account, bool mayLead)
    {
        foreach (var host in Engine.Find(account)?.Hosts.Values ?? [])
        {
            if (mayLead) host.TakePart();
            else _ = host.MakeWayAsync();
        }
    }

    /// <summary>The system account has been joined to a hub's. From any thread.</summary>
    /// <param name="isExtension">The hub's JetStream is this server's too; else it has one of its own.</param>
    public void OnSystemShared(bool isExtension)
    {
        if (Meta is not null) _ = TryRun(() => ShareSystem(isExtension));
    }

    /// <summary>
    /// What the hub has decided takes the place of what this server decided without it. Nothing of that is deleted: streams are
    /// set aside, where people find them.
    /// </summary>
    private void ShareSystem(bool isExtension)
    {
        var former = Meta!;
        if (former.ShareSystem(isExtension)) return;
        former.Stop();
        former.SetStreamsAside();
        _engine.DeleteGroup(MetaHost.GroupName);
        _meta = new MetaHost(this, _accounts, _settings.Cluster! with { AwaitsHub = true });
        _meta.Start();
        _meta.ShareSystem(isExtension);
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

    /// <summary>Asks something in a stream's mailbox, and waits.</summary>
    public bool Ask(StreamHost stream, Func<bool> question)
    {
        var answer = false;
        return TryWhenQuiet(stream, () => answer = question(), alsoWhenFenced: true) && answer;
    }

    /// <summary>What this server has of a stream goes; others hold it.</summary>
    public void Discard(AccountStreams account, StreamHost stream)
    {
        account.Remove(stream.Configuration.Name);
        if (!TryWhenQuiet(stream, () => stream.Delete(isAnnounced: false), alsoWhenFenced: true)) account.Add(stream);
    }

    /// <summary>What this server has of a stream is put where nobody finds it but people.</summary>
    public void SetAside(AccountStreams account, StreamHost stream)
    {
        var name = stream.Configuration.Name;
        account.Remove(name);
        _engine.Threads.Wait(stream.StopAsync());
        if (stream.Configuration.Storage != StorageType.File) return;
        if (account.Context.Files.SetAside(account.Account.Name, name, stream.Record.Id) is { } path) JetStreamLog.SetAside(_settings.Log, account.Account.Name, name, path);
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
        if (IsForStreamLeader(account, call, kind))
        {
            if (account.Find(call.First) is { Leads: true }) CreateConsumer(account, call);
            return;
        }
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
        if (FailOnlyHolder(account, call) || !Meta!.IsLeading) return;
        var assigned = Meta.Assignments.Find(account.Account.Name, call.First);
        if (assigned is null) call.Fail(JetStreamErrors.JSStreamNotFoundErr);
        else if (assigned.OfflineReason is { } reason) RefuseLate(call, JetStreamErrors.JSStreamOfflineReasonErrF.With(reason));
        else if (Meta.Registry.AreAllOffline(assigned.Assignment.Group.Peers)) RefuseLate(call, JetStreamErrors.JSStreamOfflineErr);
    }

    /// <summary>
    /// Consumers over which others copy are the stream's leader's to make, as upstream, unless messages go when they are
    /// acknowledged: then the copy is made over a durable one, which the meta leader places.
    /// </summary>
    private bool IsForStreamLeader(AccountStreams account, ApiCall call, ApiRequestKind kind)
    {
        if (kind is not (ApiRequestKind.ConsumerCreate or ApiRequestKind.ConsumerCreateNamed)) return false;
        // Others have nothing to say to it, and need not read it.
        if (!Meta!.IsLeading && !Meta.IsLeaderless && account.Find(call.First) is not { Leads: true }) return false;
        if (ApiRequest.Read<ConsumerCreateRequest>(call.Payload, strict: false, out var request) is not null || !request.Consumer.Direct) return false;
        return !request.Consumer.Sourcing
            || Meta.Assignments.Find(account.Account.Name, call.First) is not { } stream
            || stream.Assignment.Configuration.Retention == RetentionPolicy.Limits;
    }

    /// <summary>A stream that cannot be opened, and is nowhere else: nobody leads it, and nobody but this server knows why.</summary>
    private bool FailOnlyHolder(AccountStreams account, ApiCall call)
    {
        if (!account.Offline.TryGetValue(call.First, out var reason)) return false;
        if (Meta!.Assignments.Find(account.Account.Name, call.First) is not { OfflineReason: null } assigned) return false;
        if (assigned.Assignment.Group.Peers is not [var holder] || holder != Meta.Id) return false;
        call.Fail(JetStreamErrors.JSStreamOfflineReasonErrF.With(reason));
        return true;
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
        if (FailOnlyHolder(account, call) || !Meta!.IsLeading) return;
        if (Meta.Assignments.Find(account.Account.Name, call.First) is null) call.Fail(JetStreamErrors.JSStreamNotFoundErr);
        else if (Meta.Assignments.Find(account.Account.Name, call.First, call.Second) is not { } consumer) call.Fail(JetStreamErrors.JSConsumerNotFoundErr);
        else if (Meta.Registry.AreAllOffline(consumer.Assignment.Group.Peers)) RefuseLate(call, JetStreamErrors.JSConsumerOfflineErr);
    }

    private void StepDownConsumer(StreamHost stream, ApiCall call)
    {
        if (stream.Consumers.Find(Encoding.UTF8.GetBytes(call.Second)) is not { Group: { } group })
        {
            call.Fail(JetStreamErrors.JSClusterRequiredErr);
            return;
        }
        if (StepDown(group, call) is not { } preferred) return;
        call.Answer(new SuccessResponse(ResponseTypes.ConsumerLeaderStepDown));
        group.Core.StepDown(preferred, group.Now);
    }

    /// <summary>Reads who is to lead next; nobody: whoever can.</summary>
    /// <returns>Null: the request was refused.</returns>
    private PeerId? StepDown(GroupHost group, ApiCall call)
    {
        var request = new LeaderStepDownRequest();
        if (ApiRequest.HasPayload(call.Payload) && ApiRequest.Read<LeaderStepDownRequest>(call.Payload, _settings.Strict, out request) is { } unreadable)
        {
            call.Fail(unreadable);
            return null;
        }
        List<string> peers = [];
        foreach (var member in group.Core.Members) peers.Add(member.ToString());
        if (Meta!.ChooseLeader(peers, group.Core.Self.ToString(), request.Placement, out var preferred) is not { } error) return preferred is null ? PeerId.None : PeerId.Parse(preferred);
        call.Fail(error);
        return null;
    }

    private void StepDown(StreamHost stream, ApiCall call) => Continue(stream, call, () =>
    {
        if (stream.Group is not { } group)
        {
            call.Fail(JetStreamErrors.JSClusterRequiredErr);
            return;
        }
        if (StepDown(group, call) is not { } preferred) return;
        call.Answer(new SuccessResponse(ResponseTypes.StreamLeaderStepDown));
        group.Core.StepDown(preferred, group.Now);
    });
}
