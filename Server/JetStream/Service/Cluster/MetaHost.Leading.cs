using System.Text;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Advisories;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Meta.Leader;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.Raft.Core;
using NatsAspire.Server.Raft.Wire;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>What the leader of the meta group does.</summary>
internal sealed partial class MetaHost : IMetaLeaderEffects
{
    IReadOnlyList<string> IMetaLeaderEffects.MetaPeers
    {
        get
        {
            var members = _group.Core.Members;
            var peers = new string[members.Length];
            for (var i = 0; i < peers.Length; i++) peers[i] = members[i].ToString();
            return peers;
        }
    }

    /// <summary>Those who listen in the system account hear who decides from now on.</summary>
    private void AnnounceLead()
    {
        if (_accounts.System is not { } system || _engine.Cluster is not { } view) return;
        var outbox = new Outbox();
        _engine.ContextOf(system).Advise(outbox, AdvisorySubjects.DomainLeaderElected, () => new DomainLeaderElectedAdvisory
        {
            Leader = _self,
            Replicas = view.MembersOf(_group),
            Cluster = view.ClusterName(),
        });
        _service.Send(system, outbox);
    }

    bool IMetaLeaderEffects.Propose(byte[] entry) => _group.Propose(entry) == RaftResult.Accepted;

    ApiError? IMetaLeaderEffects.ProposePeerRemoval(string peer) => _group.Core.ProposeRemovePeer(PeerId.Parse(peer), _group.Now) switch
    {
        RaftResult.Accepted => null,
        RaftResult.ChangeInProgress => JetStreamErrors.JSClusterServerMemberChangeInflightErr,
        RaftResult.NotLeader => JetStreamErrors.JSClusterNotLeaderErr,
        _ => JetStreamErrors.JSClusterServerNotMemberErr,
    };

    void IMetaLeaderEffects.Answer(MetaRequest request, object response) => ((ApiCall)request.Tag!).Answer(response);

    void IMetaLeaderEffects.Refuse(MetaRequest request, ApiError error, bool delayed)
    {
        var call = (ApiCall)request.Tag!;
        if (delayed) _service.RefuseLate(call, error);
        else call.Fail(error);
    }

    void IMetaLeaderEffects.PassOn(AssignmentClient client, string? subject, string? reply, RawJson response)
    {
        if (!string.IsNullOrEmpty(reply)) System.PublishInternal(Encoding.UTF8.GetBytes(reply), default, response.Bytes, null);
    }

    void IMetaLeaderEffects.Warn(string text) => ServiceLog.MetaWarning(_service.Settings.Log, text);

    void IMetaLeaderEffects.Ask(AssetKey stream, string? consumer, Action<AssetFacts?> goOn)
    {
        var subject = consumer is null ? $"$JSC.SI.{stream.Account}.{stream.Stream}" : $"$JSC.CI.{stream.Account}.{stream.Stream}.{consumer}";
        Survey([subject], AskPatience, answers => goOn(answers.Count == 0 ? null : (consumer is null ? AssetReport.OfStream(answers[0]) : AssetReport.OfConsumer(answers[0]))?.Facts));
    }
}
