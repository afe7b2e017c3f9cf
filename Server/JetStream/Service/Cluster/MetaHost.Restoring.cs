using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Consumers;
using NatsAspire.Server.JetStream.Runtime.Groups;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>
/// Streams that are restored in a cluster: the server that is to lead takes the archive, alone; when it has everything, it
/// begins the group with it, and the others catch up.
/// </summary>
internal sealed partial class MetaHost
{
    /// <summary>How often, a second apart, a consumer of an archive is proposed.</summary>
    private const int MostProposals = 30;

    /// <summary>Streams whose archives are being taken, and where they are assigned.</summary>
    private readonly Dictionary<AssetKey, StreamAssignment> _restoring = [];

    private void RestoreStream(AccountStreams account, ApiCall call)
    {
        if (ApiRequest.IsEmpty(call.Payload)) call.Fail(JetStreamErrors.JSBadRequestErr);
        else if (Read<StreamRestoreRequest>(call) is not { } body) return;
        else if (body.Stream.Storage == StorageType.Memory) call.Fail(JetStreamErrors.JSStreamRestoreErrF.With("a snapshot is restored into file storage only"));
        else _leader.RestoreStream(RequestOf(account, call), call.First, body);
    }

    /// <summary>The stream comes out of an archive, and is not there before it does.</summary>
    private bool IsRestoring(AccountStreams account, MetaChange<StreamAssignment> change)
    {
        var assignment = change.After;
        var key = AssetKey.Of(assignment);
        if (_restoring.TryGetValue(key, out var under) && under.Created == assignment.Created)
        {
            _restoring[key] = assignment;
            return true;
        }
        var takesIt = assignment.Group.Peers.Count == 1 || assignment.Group.Preferred == _self;
        if (change.Origin == MetaOrigin.Recovered || assignment.RestoreState is null || !takesIt || account.Find(assignment.Name) is not null) return false;
        _restoring[key] = assignment;
        var restore = new AssignedRestore(() => IsWanted(key), stream => Restored(key, stream), () => FailRestore(key));
        if (!_service.Restore(account, (assignment.Subject ?? "", assignment.Reply ?? ""), assignment.Configuration, assignment.Created.UnixNanoseconds, restore)) FailRestore(key);
        return true;
    }

    private bool IsWanted(AssetKey key) =>
        _restoring.TryGetValue(key, out var assignment) && _state.Current.Find(key.Account, key.Stream)?.Assignment is { } now && now.Created == assignment.Created && now.Group.IsMember(_self);

    /// <summary>Whoever waits has been told.</summary>
    private void FailRestore(AssetKey key)
    {
        if (!_restoring.Remove(key, out var assignment)) return;
        _group.Forward(MetaEntry.RemoveStream(assignment with { Subject = null, Reply = null, RestoreState = null, Sync = "" }).Encode());
    }

    private void Restored(AssetKey key, StreamHost stream)
    {
        _restoring.Remove(key, out var assignment);
        var plan = PlanOf(assignment!.Group, null, assignment.Created, MetaOrigin.Assigned, assignment.Sync) with { IsPreferred = true };
        stream.Post(() =>
        {
            // They are assigned one by one, with where they are.
            List<(ConsumerRecord Record, byte[] State)> consumers = [.. stream.Consumers.All.Where(consumer => !consumer.Configuration.Direct).Select(consumer => (consumer.Record, consumer.EncodeState()))];
            if (!plan.IsAlone)
            {
                stream.Consumers.EndAlone();
                stream.Consumers.KeepFormer();
            }
            stream.Assign(plan);
            _service.Run(() =>
            {
                foreach (var (record, state) in consumers) Propose(key, record, state, MostProposals);
            });
        });
    }

    private void Propose(AssetKey key, ConsumerRecord record, byte[] state, int left)
    {
        if (left == 0 || _state.Current.Find(key.Account, key.Stream) is not { } stream || stream.Consumers.ContainsKey(record.Name)) return;
        if (_leader.NewGroup(record.Configuration, stream.Assignment) is { } group)
        {
            var consumer = new ConsumerAssignment
            {
                Client = stream.Assignment.Client,
                Created = ApiTime.FromUnix(record.Created),
                Name = record.Name,
                Stream = key.Stream,
                Group = group with { Preferred = group.IsMember(_self) ? _self : null, Cluster = stream.Assignment.Group.Cluster },
                State = ConsumerStateJson.Write(GoConsumerState.Read(state, out var position) is null ? position : new GoConsumerState()),
            };
            _group.Forward(MetaEntry.AssignConsumer(consumer.WithConfiguration(record.Configuration)).Encode());
        }
        _service.After(TimeSpan.FromSeconds(1), () => Propose(key, record, state, left - 1));
    }
}
