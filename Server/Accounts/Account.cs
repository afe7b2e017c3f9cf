using System.Collections.Concurrent;
using System.Text;
using NatsAspire.Server.Accounts.Imports;
using NatsAspire.Server.Accounts.SuperCluster;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Accounts;

/// <summary>A subject space of its own: its subscriptions, mappings, imports, limits and counters.</summary>
public sealed partial class Account
{
    /// <summary>Account of users that belong to none.</summary>
    public const string GlobalName = "$G";

    /// <summary>Account of the server's own traffic, unless another is named.</summary>
    public const string DefaultSystemName = "$SYS";

    private readonly ServerItself _server;
    private readonly AccountContext _context;
    private readonly ConcurrentDictionary<ExportOptions, ServiceExport> _serviceExports = new(ReferenceEqualityComparer.Instance);
    private readonly List<SubjectMappingOptions> _added = [];
    private volatile AccountRules _rules;
    private volatile SubjectMappings? _mappings;
    private int _connections;

    internal Account(string name, AccountRules rules, AccountContext context)
    {
        Name = name;
        NameBytes = Encoding.UTF8.GetBytes(name);
        _rules = rules;
        _mappings = rules.Mappings;
        _context = context;
        _server = new ServerItself(name);
        Subscriptions = new SubscriptionTrie(context.Cached);
        Interest = context.TracksInterest ? new LocalInterest(this) : null;
        TracksLinks = context.TracksLinks;
        if (context.HasGateways) TrackCluster();
        Imports = new AccountImports(this);
        Responses = new ServiceResponses(this);
        if (TracksLinks) TellMappings([], MappedSubjects());
    }

    public string Name { get; }

    public byte[] NameBytes { get; }

    public AccountOptions Options => _rules.Options;

    public SubscriptionTrie Subscriptions { get; }

    /// <summary>Where messages for a subject really go; null: no mappings.</summary>
    public SubjectMappings? Mappings => _mappings;

    /// <summary>What other servers must know; null on a server that stands alone.</summary>
    public LocalInterest? Interest { get; }

    /// <summary>
    /// What links tell is told on, so that it must be counted in <see cref="Interest"/>: there are leaf nodes or gateways.
    /// </summary>
    public bool TracksLinks { get; }

    /// <summary>Streams and services of other accounts.</summary>
    public AccountImports Imports { get; }

    /// <summary>Requests of other accounts on their way back.</summary>
    public ServiceResponses Responses { get; }

    /// <summary>The server's own account, whose services learn more of those who ask.</summary>
    public bool IsSystem { get; internal set; }

    /// <summary>Name of the server, for those who are told of requestors.</summary>
    public string ServerName => _context.ServerName;

    /// <summary>The server's short name in subjects.</summary>
    public string ServerHash => _context.ServerHash;

    /// <summary>Name of its cluster; empty: none.</summary>
    public string ClusterName => _context.ClusterName();

    /// <summary>Describes this server to those who get events; null: nobody does.</summary>
    internal Func<ServerIdentityInfo>? Identify => _context.Identify;

    /// <summary>What its connections that are gone had moved.</summary>
    public AccountFigures Figures { get; } = new();

    /// <summary>When it was made or last changed.</summary>
    public DateTimeOffset UpdatedAt { get; private set; } = TimeProvider.System.GetUtcNow();

    /// <summary>Client connections of the account on this server.</summary>
    public int ConnectionCount => Volatile.Read(ref _connections);

    /// <summary>Its connections on the other servers; told only of accounts with a limit.</summary>
    public RemoteConnections Elsewhere { get; } = new();

    /// <summary>Counts a connection in.</summary>
    /// <returns>False when the account's limit is reached, those on other servers counted.</returns>
    public bool TryAddConnection()
    {
        var limit = Options.MaxConnections;
        var connections = Interlocked.Increment(ref _connections);
        if (limit < 0 || connections + Elsewhere.Total <= limit) return true;
        Interlocked.Decrement(ref _connections);
        return false;
    }

    public void RemoveConnection() => Interlocked.Decrement(ref _connections);

    /// <summary>Adds a local subscription, casts its shadows where streams are imported from, and tells the other servers.</summary>
    /// <returns>False when its subject is malformed.</returns>
    public bool Subscribe(Subscription subscription)
    {
        if (!InsertLocal(subscription)) return false;
        Imports.CastShadows(subscription);
        return true;
    }

    /// <summary>Removes a local subscription; does nothing the second time.</summary>
    public void Unsubscribe(Subscription subscription)
    {
        subscription.Close();
        Imports.DropShadows(subscription);
        RemoveLocal(subscription);
    }

    /// <summary>Removes the subscriptions of one who goes: other servers hear of each queue once, not of every member.</summary>
    public void Unsubscribe(IReadOnlyCollection<Subscription> subscriptions)
    {
        var removed = new List<Subscription>(subscriptions.Count);
        foreach (var subscription in subscriptions)
        {
            subscription.Close();
            Imports.DropShadows(subscription);
            if (Subscriptions.Remove(subscription)) removed.Add(subscription);
        }
        Interest?.Remove(removed);
    }

    /// <summary>Publishes a message of the server's own.</summary>
    /// <param name="subject">A literal subject.</param>
    /// <param name="reply">Reply subject; empty: none.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="batch">The calling loop's batch; null: not called from a loop.</param>
    /// <returns>True when somebody got it.</returns>
    public bool PublishInternal(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> payload, FlushBatch? batch) =>
        PublishInternal(subject, reply, default, payload, batch);

    /// <summary>The same with a header block.</summary>
    public bool PublishInternal(
        ReadOnlySpan<byte> subject, ReadOnlySpan<byte> reply, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, FlushBatch? batch)
    {
        var match = Subscriptions.Match(subject);
        if (match.IsEmpty && ExpectsNoAnswers) return false;
        byte[] body = [.. headers, .. payload, (byte)'\r', (byte)'\n'];
        var message = new Message { Subject = subject, Reply = reply, HeaderLength = headers.Length, BodyAndCrlf = body };
        var used = batch ?? new FlushBatch { NowMilliseconds = Environment.TickCount64 };
        var delivered = Publish(match, message, used);
        if (batch is null) used.FlushAll();
        return delivered;
    }

    /// <summary>Publishes a message of the server's own, as it is.</summary>
    /// <param name="message">Its subject is literal.</param>
    /// <param name="cache">The caller's own.</param>
    /// <param name="batch">Flushed by the caller.</param>
    /// <returns>True when somebody got it.</returns>
    public bool PublishInternal(in Message message, SiblingMatchCache cache, FlushBatch batch)
    {
        var match = cache.Match(message.Subject, Subscriptions);
        return Publish(match, message, batch);
    }

    /// <summary>Publishes a message of the server's own to those who listen on another subject than it shows.</summary>
    /// <param name="to">The literal subject they listen on.</param>
    /// <param name="message">As they get it.</param>
    /// <param name="cache">The caller's own.</param>
    /// <param name="batch">Flushed by the caller.</param>
    /// <returns>True when somebody got it.</returns>
    public bool PublishInternal(ReadOnlySpan<byte> to, in Message message, SiblingMatchCache cache, FlushBatch batch)
    {
        var match = cache.Match(to, Subscriptions);
        return Publish(match, message.WithAddress(to), batch);
    }

    /// <summary>The service export that covers a subject; null: none.</summary>
    internal ServiceExport? FindServiceExport(ReadOnlySpan<byte> subject)
    {
        foreach (var option in Options.Exports)
        {
            if (option.IsService && SubjectRules.IsSubsetMatch(subject, Encoding.UTF8.GetBytes(option.Subject))) return ExportOf(option);
        }
        return null;
    }

    /// <summary>One of its service exports, always the same object for the same options.</summary>
    internal ServiceExport ExportOf(ExportOptions options) => _serviceExports.GetOrAdd(options, option => new ServiceExport(this, option));

    /// <summary>Has messages of clients and leaf nodes mapped beside what the configuration says, which comes first.</summary>
    /// <param name="mappings">Subjects and where they lead; those that are mapped already are left as they are.</param>
    internal void AddMappings(IEnumerable<SubjectMappingOptions> mappings)
    {
        lock (_added)
        {
            _added.AddRange(mappings.Where(mapping => !_added.Exists(known => known.Source == mapping.Source)));
            UpdateRules(_rules);
        }
    }

    internal void UpdateRules(AccountRules rules)
    {
        UpdatedAt = TimeProvider.System.GetUtcNow();
        lock (_added)
        {
            var before = MappedSubjects();
            _rules = rules;
            var added = _added.Where(mapping => !rules.Mapped.Any(known => known.Source == mapping.Source)).ToList();
            _mappings = added.Count == 0 ? rules.Mappings : SubjectMappings.Create([.. rules.Mapped, .. added], ClusterName);
            if (TracksLinks) TellMappings(before, MappedSubjects());
        }
        foreach (var gone in _serviceExports.Keys.Except(rules.Options.Exports, ReferenceEqualityComparer.Instance).Cast<ExportOptions>())
        {
            if (!IsSystem) _serviceExports.TryRemove(gone, out _);
        }
    }

    private HashSet<string> MappedSubjects() => [.. _rules.Mapped.Concat(_added).Select(mapping => mapping.Source)];

    /// <summary>Leaf nodes send what leads elsewhere.</summary>
    private void TellMappings(HashSet<string> before, HashSet<string> now)
    {
        foreach (var gone in before.Except(now)) Interest?.Set(InterestSource.Mappings, Encoding.UTF8.GetBytes(gone), null, 0);
        foreach (var fresh in now) Interest?.Set(InterestSource.Mappings, Encoding.UTF8.GetBytes(fresh), null, 1);
    }

    private bool Publish(MatchResult match, in Message message, FlushBatch batch) =>
        TrySendBack(message, batch) || (!match.IsEmpty && MessageRouter.RouteLocal(this, match, message, _server, true, batch));

    internal bool InsertLocal(Subscription subscription)
    {
        if (!Subscriptions.Insert(subscription)) return false;
        Recent?.Add(subscription);
        Interest?.Add(subscription);
        return true;
    }

    /// <summary>A service of another account: leaf nodes must know that it can be asked for here.</summary>
    internal void InsertImport(ServiceImport import)
    {
        Subscriptions.Insert(import.Subscription);
        if (TracksLinks) Interest?.Set(InterestSource.Imports, import.Subscription.Subject, null, 1);
    }

    internal void RemoveImport(ServiceImport import)
    {
        Subscriptions.Remove(import.Subscription);
        if (TracksLinks) Interest?.Set(InterestSource.Imports, import.Subscription.Subject, null, 0);
    }

    internal void RemoveLocal(Subscription subscription)
    {
        if (Subscriptions.Remove(subscription)) Interest?.Remove(subscription);
    }

    /// <summary>The server as a publisher.</summary>
    private sealed class ServerItself(string account) : Subscriber
    {
        private readonly ClientInfo _info = new() { Account = account };

        public override SubscriberKind Kind => SubscriberKind.Internal;

        /// <summary>Services of other accounts must know for whom it asks.</summary>
        public override ClientInfo? Describe(bool detailed) => _info;

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch) => false;
    }
}

/// <summary>What a configuration says of an account; a reload swaps it whole.</summary>
/// <param name="Options">Limits, exports, users.</param>
/// <param name="Mapped">Its mappings.</param>
/// <param name="Mappings">The same, compiled; null: none.</param>
internal sealed record AccountRules(AccountOptions Options, IReadOnlyList<SubjectMappingOptions> Mapped, SubjectMappings? Mappings);

/// <summary>What all accounts of a server share.</summary>
/// <param name="ServerName">Its name.</param>
/// <param name="ClusterName">Gives its cluster's name, which may change.</param>
/// <param name="TracksInterest">Other servers must know what is wanted here.</param>
/// <param name="TracksLinks">They must know what links want, too.</param>
/// <param name="Cached">Match results are cached.</param>
/// <param name="HasGateways">Other clusters must know what is wanted in this one.</param>
internal sealed record AccountContext(string ServerName, Func<string> ClusterName, bool TracksInterest, bool TracksLinks, bool Cached, bool HasGateways = false)
{
    /// <summary>The other clusters; null: none, or not yet.</summary>
    public IOuterClusters? Outer { get; set; }

    /// <summary>The server's name in subjects.</summary>
    public string ServerHash { get; } = NodeHash.Of(ServerName);

    /// <summary>Describes the server; null before it has a system account, or without one.</summary>
    public Func<ServerIdentityInfo>? Identify { get; set; }
}
