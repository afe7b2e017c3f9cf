using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace NatsAspire.Server.Primitives.S2;

/// <summary>Compression with more effort: of several matches the one that saves most, or the next byte's if that is better.</summary>
public static partial class S2Block
{
    private const int BetterDepth = 8;
    private const int BestDepth = 48;
    private const uint ShortHashPrime = 2654435761;

    /// <summary>A match that saves no more does not pay for the literal it ends.</summary>
    private const int MinGain = 2;

    /// <summary>A match of this length is taken without a look at the next byte's.</summary>
    private const int LongMatch = 64;

    /// <summary>As <see cref="SkipShift"/>, for those who search on.</summary>
    private const int PatientSkipShift = 9;

    /// <returns>Bytes written; 0: it is no smaller that way.</returns>
    private static int EncodeSearching(ReadOnlySpan<byte> source, Span<byte> target, int depth)
    {
        if (source.Length < Margin * 2) return 0;
        var heads = ClearTable(source.Length, out var shift);
        var links = ArrayPool<int>.Shared.Rent(source.Length);
        var written = new Search(source, heads, links, shift, depth).Run(target);
        ArrayPool<int>.Shared.Return(links);
        return written;
    }

    /// <summary>An earlier place with the same bytes.</summary>
    private readonly record struct Match(int Offset, int Length, int Gain);

    /// <summary>
    /// One block's search. Positions of equal hash are chained, latest first; both tables hold positions plus one, so
    /// that zero ends a chain.
    /// </summary>
    private ref struct Search(ReadOnlySpan<byte> source, Span<int> heads, Span<int> links, int shift, int depth)
    {
        private readonly ReadOnlySpan<byte> _source = source;
        private readonly Span<int> _heads = heads;
        private readonly Span<int> _links = links;
        private int _indexed;
        private int _repeat;

        public int Run(Span<byte> target)
        {
            var limit = WorthwhileLength(_source.Length);
            var end = _source.Length - Margin;
            var (at, emitted, written) = (1, 0, 0);
            while (at < end)
            {
                var match = Find(at);
                if (match.Gain < MinGain)
                {
                    at += 1 + ((at - emitted) >> PatientSkipShift);
                    continue;
                }
                match = Improve(match, ref at, end);
                var start = at;
                while (start > emitted && start > match.Offset && _source[start - 1] == _source[start - match.Offset - 1]) start--;
                if (written + start - emitted > limit) return 0;
                if (start > emitted) written += EmitLiteral(_source[emitted..start], target[written..]);
                at += match.Length;
                written += match.Offset == _repeat
                    ? EmitRepeat(match.Offset, at - start, target[written..])
                    : EmitCopy(match.Offset, at - start, target[written..]);
                _repeat = match.Offset;
                emitted = at;
                if (written > limit) return 0;
            }
            if (written + _source.Length - emitted > limit) return 0;
            return emitted < _source.Length ? written + EmitLiteral(_source[emitted..], target[written..]) : written;
        }

        /// <summary>Goes on by a byte as long as that saves more than the byte costs.</summary>
        private Match Improve(Match match, ref int at, int end)
        {
            while (match.Length < LongMatch && at + 1 < end)
            {
                var next = Find(at + 1);
                if (next.Gain <= match.Gain + 1) break;
                match = next;
                at++;
            }
            return match;
        }

        private Match Find(int at)
        {
            Index(at);
            var best = default(Match);
            if (_repeat > 0 && _repeat <= at) Consider(at, at - _repeat, ref best);
            var candidate = _heads[HashOf(at)] - 1;
            for (var left = depth; left > 0 && candidate >= 0; left--)
            {
                Consider(at, candidate, ref best);
                candidate = _links[candidate] - 1;
            }
            return best;
        }

        private readonly void Consider(int at, int candidate, ref Match best)
        {
            // What is no longer than the best saves no more, as later candidates are farther.
            if (at + best.Length >= _source.Length || _source[candidate + best.Length] != _source[at + best.Length]) return;
            var length = _source[at..].CommonPrefixLength(_source[candidate..]);
            if (length < S2Format.MinCopy) return;
            var gain = length - Cost(at - candidate, length);
            if (gain > best.Gain) best = new Match(at - candidate, length, gain);
        }

        /// <summary>Bytes of the operation, about.</summary>
        private readonly int Cost(int offset, int length)
        {
            var repeats = length < S2Format.Repeat8Base ? 2 : length < S2Format.Repeat16Base ? 3 : length < S2Format.Repeat24Base ? 4 : 5;
            if (offset == _repeat) return repeats;
            var first = offset > ushort.MaxValue ? 5 : offset < 2048 && (length < 12 || length > LongestCopy) ? 2 : 3;
            return length > LongestCopy ? first + repeats : first;
        }

        /// <summary>Puts every position before this one into its chain.</summary>
        private void Index(int end)
        {
            for (; _indexed < end; _indexed++)
            {
                ref var head = ref _heads[HashOf(_indexed)];
                _links[_indexed] = head;
                head = _indexed + 1;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly int HashOf(int at) => (int)((BinaryPrimitives.ReadUInt32LittleEndian(_source[at..]) * ShortHashPrime) >> shift);
    }
}
