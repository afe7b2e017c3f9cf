using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using NatsAspire.Server.Accounts;
using NatsAspire.Server.Configuration;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Service;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Storage.Log;
using NatsAspire.Server.Subjects;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Runtime;

/// <summary>Streams without a server around them, on a disk that can do what disks do.</summary>
internal sealed class EngineOnSimulatedDisk : IAsyncDisposable
{
    private readonly Answers _answers = new();

    private EngineOnSimulatedDisk(SimulatedDisk disk)
    {
        Disk = disk;
        Accounts = new AccountRegistry(new ServerOptions(), "s", "", tracksInterest: false);
        Accounts.Global.Subscribe(new Subscription(_answers, "answers.*"u8.ToArray()));
        Engine = JetStreamEngine.Start(
            disk, "/store", new JetStreamOptions { Enabled = true }, [(Accounts.Global, new AccountLimits())], TimeProvider.System, NullLogger.Instance,
            new LogOptions { SegmentSize = 16 << 10 });
        _ = new JetStreamService(Engine, Accounts, new ServiceSettings("s", "2.14.5", Strict: false, QueueLimit: 0, MaxPending: 64 << 20, TimeProvider.System, NullLogger.Instance));
    }

    public SimulatedDisk Disk { get; }

    public AccountRegistry Accounts { get; }

    public JetStreamEngine Engine { get; }

    public AccountStreams Streams => Engine.Find(Accounts.Global)!;

    /// <summary>Is told of each answer before anybody else.</summary>
    public Action<int>? Acknowledged { set => _answers.Acknowledged = value; }

    public static EngineOnSimulatedDisk Start(SimulatedDisk disk) => new(disk);

    public StreamHost Create(string json)
    {
        ApiRequest.Read(Encoding.UTF8.GetBytes(json), strict: true, out StreamConfigurationRequest request).ShouldBeNull();
        var decision = StreamAdmission.Create(request.Stream.Name, request, Streams.Environment);
        decision.Error.ShouldBeNull();
        return Streams.Create(decision.Stream!);
    }

    /// <summary>Publishes a number; its answer has the number too.</summary>
    public void Publish(string subject, int number) => Accounts.Global.PublishInternal(
        Encoding.ASCII.GetBytes(subject), Encoding.ASCII.GetBytes($"answers.{number}"), Encoding.ASCII.GetBytes($"{number}"), null);

    /// <summary>Asks the API; the answer has the number.</summary>
    public void Request(string subject, string json, int number) => Accounts.Global.PublishInternal(
        Encoding.ASCII.GetBytes($"$JS.API.{subject}"), Encoding.ASCII.GetBytes($"answers.{number}"), Encoding.ASCII.GetBytes(json), null);

    public async Task<JsonElement> AnswerAsync(int number)
    {
        await Wait.Until($"the answer to {number}", () => _answers.All.ContainsKey(number), () => string.Join(',', _answers.All.Keys.Order()));
        return JsonDocument.Parse(_answers.All[number]).RootElement;
    }

    /// <summary>Everything that a consumer has to give now: what a message says, and where its acknowledgement goes.</summary>
    public async Task<IReadOnlyDictionary<int, string>> PullAsync(string stream, string consumer)
    {
        var inbox = Encoding.ASCII.GetBytes($"pulled.{++_pulls}");
        var deliveries = new Deliveries();
        var subscription = new Subscription(deliveries, inbox);
        Accounts.Global.Subscribe(subscription);
        Accounts.Global.PublishInternal(Encoding.ASCII.GetBytes($"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"), inbox, """{"batch":1000,"no_wait":true}"""u8, null);
        await Wait.Until($"the end of pull {_pulls}", () => deliveries.HasEnded, () => string.Join(',', deliveries.All.Keys));
        Accounts.Global.Unsubscribe(subscription);
        return deliveries.All;
    }

    /// <summary>Says something to a message; the answer has the number.</summary>
    public void Acknowledge(string subject, string what, int number) => Accounts.Global.PublishInternal(
        Encoding.ASCII.GetBytes(subject), Encoding.ASCII.GetBytes($"answers.{number}"), Encoding.ASCII.GetBytes(what), null);

    /// <summary>Waits for an answer without a content.</summary>
    public Task ConfirmedAsync(int number) => Wait.Until($"the answer to {number}", () => _answers.All.ContainsKey(number));

    private int _pulls;

    public ValueTask DisposeAsync() => Engine.DisposeAsync();

    private sealed class Deliveries : Subscriber
    {
        private volatile bool _hasEnded;

        public ConcurrentDictionary<int, string> All { get; } = [];

        public bool HasEnded => _hasEnded;

        public override SubscriberKind Kind => SubscriberKind.Client;

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch)
        {
            // A status has no payload.
            if (message.Payload.IsEmpty) _hasEnded = true;
            else All[int.Parse(message.Payload, System.Globalization.CultureInfo.InvariantCulture)] = Encoding.ASCII.GetString(message.Reply);
            return true;
        }
    }

    private sealed class Answers : Subscriber
    {
        public ConcurrentDictionary<int, byte[]> All { get; } = [];

        public Action<int>? Acknowledged { get; set; }

        public override SubscriberKind Kind => SubscriberKind.Client;

        public override bool Deliver(Subscription subscription, in Message message, FlushBatch batch)
        {
            var number = int.Parse(message.Subject["answers.".Length..], System.Globalization.CultureInfo.InvariantCulture);
            if (!message.Payload.StartsWith("{\"error\""u8)) Acknowledged?.Invoke(number);
            All[number] = message.Payload.ToArray();
            return true;
        }
    }
}
