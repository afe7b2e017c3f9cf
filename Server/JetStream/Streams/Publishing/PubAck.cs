using System.Buffers;
using System.Text;
using System.Text.Json;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>
/// Acknowledgements of publishes, as upstream's to the byte. What is the same for every message of a stream is made
/// once; writing one allocates nothing.
/// </summary>
public sealed class PubAck
{
    private readonly byte[] _start;
    private readonly byte[] _failureEnd;

    /// <summary>Acknowledgements of a stream.</summary>
    /// <param name="stream">Its name.</param>
    /// <param name="domain">The server's domain; null: none.</param>
    public PubAck(string stream, string? domain)
    {
        var name = Encoding.UTF8.GetString(JsonEncodedText.Encode(stream).EncodedUtf8Bytes);
        var place = domain is null ? "" : $"\"domain\":\"{JsonEncodedText.Encode(domain)}\",";
        _start = Encoding.UTF8.GetBytes($"{{\"stream\":\"{name}\",{place}\"seq\":");
        _failureEnd = Encoding.UTF8.GetBytes($",\"stream\":\"{name}\",\"seq\":0}}");
    }

    /// <summary>A message was stored.</summary>
    public void Write(IBufferWriter<byte> output, ulong sequence)
    {
        WriteStart(output, sequence);
        output.Write("}"u8);
    }

    /// <summary>A message had been stored before.</summary>
    /// <param name="output">Gets it.</param>
    /// <param name="sequence">Of the message stored then.</param>
    public void WriteDuplicate(IBufferWriter<byte> output, ulong sequence)
    {
        WriteStart(output, sequence);
        output.Write(",\"duplicate\": true}"u8);
    }

    /// <summary>A counter was changed.</summary>
    /// <param name="output">Gets it.</param>
    /// <param name="sequence">Of the message stored.</param>
    /// <param name="value">The counter's value now, decimal digits.</param>
    public void WriteCounter(IBufferWriter<byte> output, ulong sequence, ReadOnlySpan<byte> value)
    {
        WriteStart(output, sequence);
        output.Write(",\"val\":\""u8);
        output.Write(value);
        output.Write("\"}"u8);
    }

    /// <summary>A batch was stored.</summary>
    /// <param name="output">Gets it.</param>
    /// <param name="sequence">Of its last message.</param>
    /// <param name="batchId">Its id.</param>
    /// <param name="count">Its messages.</param>
    public void WriteBatch(IBufferWriter<byte> output, ulong sequence, ReadOnlySpan<byte> batchId, ulong count)
    {
        WriteStart(output, sequence);
        WriteBatchEnd(output, batchId, count);
    }

    /// <summary>The one message of a batch had been stored before.</summary>
    /// <param name="output">Gets it.</param>
    /// <param name="sequence">Of the message stored then.</param>
    /// <param name="batchId">The batch's id.</param>
    /// <param name="count">Its messages.</param>
    public void WriteDuplicateBatch(IBufferWriter<byte> output, ulong sequence, ReadOnlySpan<byte> batchId, ulong count)
    {
        WriteStart(output, sequence);
        output.Write(",\"duplicate\": true"u8);
        WriteBatchEnd(output, batchId, count);
    }

    private static void WriteBatchEnd(IBufferWriter<byte> output, ReadOnlySpan<byte> batchId, ulong count)
    {
        output.Write(",\"batch\":\""u8);
        // Not every client writes UTF-8.
        output.Write(JsonEncodedText.Encode(Encoding.UTF8.GetString(batchId)).EncodedUtf8Bytes);
        output.Write("\",\"count\":"u8);
        WriteNumber(output, count);
        output.Write("}"u8);
    }

    /// <summary>A message was not stored.</summary>
    public void WriteFailure(IBufferWriter<byte> output, ApiError error)
    {
        output.Write("{\"error\":"u8);
        output.Write(JetStreamJson.Write(error));
        output.Write(_failureEnd);
    }

    private void WriteStart(IBufferWriter<byte> output, ulong sequence)
    {
        output.Write(_start);
        WriteNumber(output, sequence);
    }

    private static void WriteNumber(IBufferWriter<byte> output, ulong number)
    {
        number.TryFormat(output.GetSpan(20), out var written);
        output.Advance(written);
    }
}
