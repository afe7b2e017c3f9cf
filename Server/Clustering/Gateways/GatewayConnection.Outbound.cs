using System.Collections.Concurrent;
using System.Text;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Clustering.Links;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Clustering.Gateways;

/// <summary>
/// The side that dialled: what the other cluster wants, kept as subscriptions of this connection, and messages to it. Of a
/// server before 2.9 everything is assumed to be wanted until it says otherwise.
/// </summary>
public sealed partial class GatewayConnection
{
    /// <summary>Subjects an old server may name as not wanted, for each account; of more it is assumed again that it wants them.</summary>
    private const int MostUnwanted = 10_000;

    /// <summary>Accounts remembered for monitoring.</summary>
    private const int MostTold = 10_000;

    /// <summary>Per account, of servers that tell only what they do not want; null: this one tells what it wants.</summary>
    private ConcurrentDictionary<Account, Assumption>? _assumed;
    private readonly ConcurrentDictionary<string, bool> _told = new();
    private bool _useOldPrefix;
    private bool _isInterestOnly;
    private long _interestChanges;

    /// <summary>Subjects the other cluster wants, per account.</summary>
    public int RemoteSubscriptionCount => _remote.Count;

    /// <summary>What the other cluster wants.</summary>
    internal IReadOnlyList<RemoteInterest> SnapshotInterest() => _remote.Snapshot();

    /// <summary>Accounts of which the other side has told all it wants.</summary>
    internal IEnumerable<string> ToldAccounts => _told.Keys;

    /// <summary>True when the other side tells all it wants of an account.</summary>
    internal bool TellsAll(Account account) => _assumed?.ContainsKey(account) != true;

    /// <summary>An account that is new here is assumed to be wanted there by an old server.</summary>
    internal void Assume(Account account)
    {
        if (_assumed is not { } assumed || IsClosing) return;
        var assumption = new Assumption(new Subscription(_subscriber, ">"u8.ToArray()));
        if (assumed.TryAdd(account, assumption)) account.Subscriptions.Insert(assumption.Everything);
    }

    /// <summary>Sends an answer to the cluster that asked.</summary>
    internal bool SendBack(Account account, in Message message, FlushBatch batch) => Forward(account, message, [], batch);

    private bool DeliverToLink(Account account, in Message message, List<byte[]> queues, FlushBatch batch)
    {
        if (_assumed is { } assumed && queues.Count == 0 && assumed.TryGetValue(account, out var assumption) && assumption.IsUnwanted(message.Subject)) return false;
        return Forward(account, message, queues, batch);
    }

    /// <summary>Where word of the requestor's interest may not have arrived yet, the answer is led back to this server.</summary>
    private bool Forward(Account account, in Message message, List<byte[]> queues, FlushBatch batch)
    {
        var isFresh = !message.Reply.IsEmpty && account.Recent?.Covers(message.Reply) == true;
        return Send(account, message, isFresh ? _manager.ReplyPrefix(_useOldPrefix) : default, queues, batch);
    }

    private bool ProcessRemoteSubscribe(bool origin, ReadOnlySpan<byte> arguments)
    {
        if (!IsExpected("RS+", origin, arguments)) return false;
        if (!InterestLine.TryParse(false, true, hasWeight: true, arguments, out var line)) return BadArguments(arguments);
        var account = _host.Accounts.GetOrAdd(Encoding.UTF8.GetString(line.Account));
        if (line.Queue.IsEmpty && _assumed?.TryGetValue(account, out var assumption) == true && !assumption.IsEnding)
        {
            assumption.Want(line.Subject);
            return true;
        }
        var key = line.Key(false);
        if (_remote.TryUpdate(key, line.Weight)) return true;
        if (_remote.Add(key, account, line) is null) LinkLog.Error(Log, Label, $"Could not insert subscription for \"{Encoding.UTF8.GetString(line.Subject)}\"");
        _interestChanges++;
        return true;
    }

    private bool ProcessRemoteUnsubscribe(bool origin, ReadOnlySpan<byte> arguments)
    {
        if (!IsExpected("RS-", origin, arguments)) return false;
        if (!InterestLine.TryParse(false, true, hasWeight: false, arguments, out var line)) return BadArguments(arguments);
        if (line.Queue.IsEmpty && _host.Accounts.Find(Encoding.UTF8.GetString(line.Account)) is { } account
            && _assumed?.TryGetValue(account, out var assumption) == true && !assumption.IsEnding)
        {
            assumption.Exclude(line.Subject);
        }
        else
        {
            _remote.Remove(line.Key(false));
        }
        _interestChanges++;
        return true;
    }

    /// <summary>A- and A+: whether an account is wanted at all; of a server that tells what it wants they say nothing new.</summary>
    private bool ProcessAccountInterest(bool isWanted, ReadOnlySpan<byte> name)
    {
        if (!IsExpected(isWanted ? "A+" : "A-", false, name)) return false;
        _interestChanges++;
        if (_assumed is not { } assumed || _host.Accounts.Find(Encoding.UTF8.GetString(name)) is not { } account) return true;
        if (isWanted) Assume(account);
        else if (assumed.TryRemove(account, out var gone)) account.Subscriptions.Remove(gone.Everything);
        return true;
    }

    /// <summary>From now on, or from the second of these on, the other side tells all it wants of an account.</summary>
    private bool ProcessAllInterest(ServerInfo info)
    {
        if (info.GatewayCommandPayload is not { Length: > 0 } name)
        {
            var which = info.GatewayCommand == GatewayCommand.AllInterestBegins ? "start" : "complete";
            Fail($"Account absent from receive-all-subscriptions-{which} command", CloseReason.ProtocolViolation);
            return false;
        }
        var account = _host.Accounts.Find(Encoding.UTF8.GetString(name));
        if (_told.Count < MostTold) _told[Encoding.UTF8.GetString(name)] = true;
        if (_assumed is not { } assumed || account is null) return true;
        if (!assumed.TryGetValue(account, out var assumption)) return true;
        if (info.GatewayCommand == GatewayCommand.AllInterestBegins) assumption.IsEnding = true;
        else if (assumed.TryRemove(account, out _)) account.Subscriptions.Remove(assumption.Everything);
        return true;
    }

    private void AssumeInterest()
    {
        _assumed = new ConcurrentDictionary<Account, Assumption>();
        foreach (var account in _host.Accounts.All) Assume(account);
    }

    private void DropAssumptions()
    {
        foreach (var (account, assumption) in _assumed ?? []) account.Subscriptions.Remove(assumption.Everything);
    }

    /// <summary>Interest comes only to the side that dialled, and never with a leaf node's cluster.</summary>
    private bool IsExpected(string operation, bool origin, ReadOnlySpan<byte> arguments)
    {
        if (IsTraced) LinkLog.In(Log, Label, $"{operation} {Encoding.UTF8.GetString(arguments)}");
        if (origin)
        {
            ProcessFault(ProtocolFault.UnknownOperation, arguments);
            return false;
        }
        if (IsOutbound && _registered) return true;
        LinkLog.Error(Log, Label, $"Received {operation} from gateway on inbound connection");
        Close(CloseReason.ProtocolViolation);
        return false;
    }

    /// <summary>What is assumed of one account.</summary>
    private sealed class Assumption(Subscription everything)
    {
        private readonly ConcurrentDictionary<byte[], bool> _unwanted = new(ByteArrayComparer.Instance);

        /// <summary>Stands for it among the account's subscriptions.</summary>
        public Subscription Everything => everything;

        /// <summary>All interest is being told: it is kept as such meanwhile.</summary>
        public bool IsEnding { get; set; }

        public bool IsUnwanted(ReadOnlySpan<byte> subject) =>
            !_unwanted.IsEmpty && _unwanted.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(subject);

        public void Exclude(ReadOnlySpan<byte> subject)
        {
            if (_unwanted.Count >= MostUnwanted) _unwanted.Clear();
            _unwanted[subject.ToArray()] = true;
        }

        public void Want(ReadOnlySpan<byte> subject)
        {
            if (!SubjectRules.HasWildcard(subject))
            {
                _unwanted.TryRemove(subject.ToArray(), out _);
                return;
            }
            foreach (var known in _unwanted.Keys)
            {
                if (SubjectRules.Matches(known, subject)) _unwanted.TryRemove(known, out _);
            }
        }
    }
}
