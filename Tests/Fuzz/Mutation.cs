using System.Text;

namespace NatsAspire.Tests.Fuzz;

/// <summary>Lines of a protocol that something is wrong with.</summary>
internal static class Mutation
{
    /// <summary>One to four lines by chance, with up to three changes.</summary>
    /// <param name="random">Chance.</param>
    /// <param name="lines">What the protocol has, each character a byte.</param>
    /// <param name="mostInserted">Bytes put in at one place at the most.</param>
    public static byte[] Of(Random random, string[] lines, int mostInserted)
    {
        var bytes = Enumerable.Range(0, random.Next(1, 5)).SelectMany(_ => Encoding.Latin1.GetBytes(lines[random.Next(lines.Length)])).ToList();
        for (var change = random.Next(4); change > 0; change--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.Insert(at, "\0\r\n 9-\u00ff\t"u8[random.Next(9)]);
                    break;
                case 2 when bytes.Count > 1:
                    bytes.RemoveAt(at);
                    break;
                default:
                    bytes.InsertRange(at, Encoding.Latin1.GetBytes(random.Next(2) == 0 ? "99999999999" : new string('a', random.Next(mostInserted))));
                    break;
            }
        }
        return [.. bytes];
    }
}
