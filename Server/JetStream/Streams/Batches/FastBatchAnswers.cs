using System.Buffers;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Streams.Batches;

/// <summary>What the publisher of a fast batch is told under way, as upstream's to the byte. Nothing is allocated but for errors.</summary>
internal static class FastBatchAnswers
{
    /// <summary>Messages up to a number are stored.</summary>
    /// <param name="output">Gets it in place of what it held.</param>
    /// <param name="number">0: the batch has begun.</param>
    /// <param name="flow">Messages until the next of these.</param>
    public static void Acknowledgement(ArrayBufferWriter<byte> output, ulong number, ushort flow)
    {
        output.ResetWrittenCount();
        output.Write("{\"type\":\"ack\",\"seq\":"u8);
        Write(output, number);
        output.Write(",\"msgs\":"u8);
        Write(output, flow);
        output.Write("}"u8);
    }

    /// <summary>Messages are missing.</summary>
    /// <param name="output">Gets it in place of what it held.</param>
    /// <param name="expected">The first of them.</param>
    /// <param name="number">The one that came.</param>
    public static void Gap(ArrayBufferWriter<byte> output, ulong expected, ulong number)
    {
        output.ResetWrittenCount();
        output.Write("{\"type\":\"gap\",\"last_seq\":"u8);
        Write(output, expected);
        output.Write(",\"seq\":"u8);
        Write(output, number);
        output.Write("}"u8);
    }

    /// <summary>A message was refused.</summary>
    public static void Error(ArrayBufferWriter<byte> output, ulong number, ApiError error)
    {
        output.ResetWrittenCount();
        output.Write("{\"type\":\"err\",\"seq\":"u8);
        Write(output, number);
        output.Write(",\"error\":"u8);
        output.Write(JetStreamJson.Write(error));
        output.Write("}"u8);
    }

    private static void Write(ArrayBufferWriter<byte> output, ulong number)
    {
        number.TryFormat(output.GetSpan(20), out var written);
        output.Advance(written);
    }
}
