using System.Globalization;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Tests.Unit.JetStream.Consumers.Configuration;

/// <summary>A stream's consumers without a stream: their configurations are the state.</summary>
internal sealed class ConsumerCatalog(StreamConfiguration? stream) : IConsumerCatalog
{
    private readonly SortedDictionary<string, ConsumerConfiguration> _consumers = new(StringComparer.Ordinal);
    private int _names;

    public StreamConfiguration? Stream { get; set; } = stream;

    public AccountLimits Limits { get; init; } = new();

    public ConsumerServerLimits Server { get; init; } = new();

    public bool IsClustered { get; init; }

    public HashSet<string> Interest { get; } = [];

    public IEnumerable<KeyValuePair<string, ConsumerConfiguration>> Consumers => _consumers;

    public int LimitableCount => _consumers.Values.Count(consumer => consumer is { Direct: false, Sourcing: false });

    public ConsumerEnvironment Environment => new()
    {
        Stream = Stream,
        Catalog = this,
        Tiers = AccountTiers.For(Limits),
        Server = Server,
        IsClustered = IsClustered,
        NewName = () => (++_names).ToString("D8", CultureInfo.InvariantCulture),
        HasInterest = Interest.Contains,
    };

    public ConsumerConfiguration? Find(string name) => _consumers.GetValueOrDefault(name);

    /// <summary>Decides a request, and keeps what comes of it.</summary>
    public ConsumerDecision Decide(ConsumerCreateRequest request)
    {
        var decision = ConsumerAdmission.Decide(request, Environment);
        if (decision.Consumer is { } consumer) _consumers[decision.Name] = consumer;
        return decision;
    }

    public void Set(string name, ConsumerConfiguration consumer) => _consumers[name] = consumer;

    public void Remove(string name) => _consumers.Remove(name);
}
