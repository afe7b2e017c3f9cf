using System.Buffers;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Streams;

/// <summary>
/// What a stream stores messages under (<c>subject_transform</c>). Entries of the log carry the subject as published,
/// and each replica rewrites it. Its buffer is used again.
/// </summary>
internal sealed class SubjectRewriter(SubjectTransform? transform)
{
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly SequenceRandom _random = new();

    /// <summary>The rewriter of a stream.</summary>
    /// <param name="transform">Valid; null: nothing changes.</param>
    public static SubjectRewriter Of(SubjectTransformConfiguration? transform) =>
        new(transform is null ? null : SubjectTransform.Create(transform.Source, transform.Destination));

    /// <summary>The subject that a message is stored under.</summary>
    /// <param name="subject">As it was published. What the transform does not match stays as it is.</param>
    /// <param name="sequence">The message's: where the transform draws lots, all replicas draw the same.</param>
    /// <returns>Good until the next call.</returns>
    public ReadOnlySpan<byte> Rewrite(ReadOnlySpan<byte> subject, ulong sequence)
    {
        if (transform is null) return subject;
        _output.ResetWrittenCount();
        _random.State = sequence;
        return transform.TryTransform(subject, _output, _random) ? _output.WrittenSpan : subject;
    }

    /// <summary>Numbers that follow from the message's sequence (splitmix64).</summary>
    private sealed class SequenceRandom : Random
    {
        public ulong State { get; set; }

        public override int Next(int maxValue) => maxValue <= 0 ? 0 : (int)(Sample64() % (ulong)maxValue);

        private ulong Sample64()
        {
            State += 0x9E3779B97F4A7C15;
            var mixed = (State ^ (State >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            return mixed ^ (mixed >> 31);
        }
    }
}
