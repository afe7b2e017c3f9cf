using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.Storage.Messages;

namespace NatsAspire.Tests.Support;

/// <summary>What a Go server said of a stream (<c>*.expected.json</c>), to be compared with a store.</summary>
public sealed class GoExpectation(JsonElement json)
{
    public JsonElement Info { get; } = json.GetProperty("stream_info");

    public JsonElement Consumers { get; } = json.GetProperty("consumers");

    private JsonElement State => Info.GetProperty("state");

    public ulong MessageCount => State.GetProperty("messages").GetUInt64();

    /// <summary>Compares everything a client can see of the messages.</summary>
    public void ShouldBeHeldBy(IMessageStore store, string what)
    {
        var state = store.State;
        state.Messages.ShouldBe(MessageCount, what);
        state.LastSequence.ShouldBe(Number("last_seq"), what);
        // Before the first message upstream says zero.
        if (Number("first_seq") != 0) state.FirstSequence.ShouldBe(Number("first_seq"), what);
        state.Bytes.ShouldBe(Number("bytes"), what);
        if (state.Messages > 0) ApiTime.FromUnix(state.FirstTimestamp).ToString().ShouldBe(State.GetProperty("first_ts").GetString(), what);
        ApiTime.FromUnixOrZero(state.LastTimestamp).ToString().ShouldBe(State.GetProperty("last_ts").GetString(), what);
        if (State.TryGetProperty("deleted", out var deleted) && state.Messages > 0)
        {
            Sequences(store.Deleted()).ShouldBe(deleted.EnumerateArray().Select(one => one.GetUInt64()), what);
        }
        if (State.TryGetProperty("subjects", out var subjects))
        {
            store.Subjects(SubjectFilter.All).ToDictionary(one => Encoding.UTF8.GetString(one.Subject), one => one.Messages)
                .ShouldBe(subjects.EnumerateObject().ToDictionary(one => one.Name, one => one.Value.GetUInt64()), ignoreOrder: true, what);
        }
        CompareMessages(store, what);
    }

    /// <summary>All sequences of ranges.</summary>
    public static IEnumerable<ulong> Sequences(IEnumerable<SequenceRange> ranges)
    {
        foreach (var range in ranges)
        {
            for (var sequence = range.First; sequence <= range.Last; sequence++) yield return sequence;
        }
    }

    private void CompareMessages(IMessageStore store, string what)
    {
        var buffer = new MessageBuffer();
        var messages = json.GetProperty("messages");
        if (messages.ValueKind == JsonValueKind.Object)
        {
            CompareRows(store, messages, what);
            return;
        }
        foreach (var message in messages.EnumerateArray())
        {
            var sequence = message.GetProperty("seq").GetUInt64();
            store.TryLoad(sequence, buffer).ShouldBeTrue($"{what}: message {sequence}");
            Encoding.UTF8.GetString(buffer.Subject).ShouldBe(message.GetProperty("subject").GetString(), what);
            ApiTime.FromUnix(buffer.Timestamp).ToString().ShouldBe(message.GetProperty("time").GetString(), what);
            buffer.Payload.Length.ShouldBe(message.GetProperty("len").GetInt32(), what);
            Convert.ToHexStringLower(SHA256.HashData(buffer.Payload)).ShouldBe(message.GetProperty("sha256").GetString(), what);
            Encoding.Latin1.GetString(buffer.Headers).ShouldBe(message.TryGetProperty("hdr", out var headers) ? headers.GetString() : "", what);
        }
    }

    /// <summary>Many alike: only sequence, subject and time are told of each.</summary>
    private static void CompareRows(IMessageStore store, JsonElement messages, string what)
    {
        var buffer = new MessageBuffer();
        foreach (var row in messages.GetProperty("rows").EnumerateArray())
        {
            store.TryLoad(row[0].GetUInt64(), buffer).ShouldBeTrue(what);
            (Encoding.UTF8.GetString(buffer.Subject), ApiTime.FromUnix(buffer.Timestamp).ToString()).ShouldBe((row[1].GetString()!, row[2].GetString()!), what);
            Convert.ToHexStringLower(SHA256.HashData(buffer.Payload)).ShouldBe(messages.GetProperty("sha256").GetString(), what);
        }
    }

    private ulong Number(string name) => State.GetProperty(name).GetUInt64();
}
