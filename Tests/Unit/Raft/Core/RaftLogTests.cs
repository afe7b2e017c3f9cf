using System.Text;
using NatsAspire.Server.Raft.Core;

namespace NatsAspire.Tests.Unit.Raft.Core;

public sealed class RaftLogTests
{
    /// <summary>Any sequence of operations, against a list: frames are what was appended, at their index.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_log_is_a_list_that_is_cut_at_both_ends(int seed)
    {
        var random = new Random(seed);
        using var log = new RaftLog();
        var model = new List<(ulong Term, byte[] Frame)>();
        ulong first = 1, term = 1, baseTerm = 0;
        for (var step = 0; step < 20_000; step++)
        {
            switch (random.Next(20))
            {
                case 0 when model.Count > 0:
                    var kept = random.Next(model.Count + 1);
                    log.TruncateTo(first - 1 + (ulong)kept);
                    model.RemoveRange(kept, model.Count - kept);
                    break;
                case 1 when model.Count > 0:
                    var gone = random.Next(1, model.Count + 1);
                    baseTerm = model[gone - 1].Term;
                    log.CompactTo(first - 1 + (ulong)gone);
                    model.RemoveRange(0, gone);
                    first += (ulong)gone;
                    break;
                case 2 when random.Next(50) == 0:
                    (first, baseTerm) = (first + 1000, term);
                    log.Reset(first - 1, baseTerm);
                    model.Clear();
                    break;
                default:
                    if (random.Next(10) == 0) term++;
                    var frame = new byte[random.Next(1, random.Next(100) == 0 ? 300_000 : 400)];
                    random.NextBytes(frame);
                    log.Append(term, frame);
                    model.Add((term, frame));
                    break;
            }
            Compare(log, model, first, baseTerm, random);
        }
    }

    private static void Compare(RaftLog log, List<(ulong Term, byte[] Frame)> model, ulong first, ulong baseTerm, Random random)
    {
        (log.Count, log.BaseIndex, log.BaseTerm, log.LastIndex).ShouldBe((model.Count, first - 1, baseTerm, first - 1 + (ulong)model.Count));
        log.LastTerm.ShouldBe(model.Count == 0 ? baseTerm : model[^1].Term);
        log.Bytes.ShouldBe(model.Sum(one => (long)one.Frame.Length));
        if (model.Count == 0) return;
        var place = random.Next(model.Count);
        log.TermAt(first + (ulong)place).ShouldBe(model[place].Term);
        log[first + (ulong)place].SequenceEqual(model[place].Frame).ShouldBeTrue();
        log[first].SequenceEqual(model[0].Frame).ShouldBeTrue();
        log[log.LastIndex].SequenceEqual(model[^1].Frame).ShouldBeTrue();
    }

    [Fact]
    public void What_is_not_there_is_refused()
    {
        using var log = new RaftLog();
        log.Reset(5, 2);
        log.Append(3, "x"u8);
        Should.Throw<ArgumentOutOfRangeException>(() => log.TermAt(4));
        Should.Throw<ArgumentOutOfRangeException>(() => log[5].Length);
        Should.Throw<ArgumentOutOfRangeException>(() => log[7].Length);
        (log.Holds(5), log.Holds(6), log.Holds(7)).ShouldBe((false, true, false));
        Encoding.ASCII.GetString(log[6]).ShouldBe("x");
    }
}
