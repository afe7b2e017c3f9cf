using NatsAspire.Server.JetStream.Api.Json;

namespace NatsAspire.Server.JetStream.Meta;

/// <summary>What the meta layer takes from outside and nothing in it makes up: time and chance.</summary>
public interface IMetaEnvironment
{
    /// <summary>UTC.</summary>
    ApiTime Now { get; }

    /// <summary>A random number from 0 to below a bound.</summary>
    int Random(int bound);

    /// <summary>Eight letters and digits, never the same twice: names of groups, of sync subjects, of consumers.</summary>
    string NewHash();
}

/// <summary>Chance in terms of what is done with it.</summary>
internal static class MetaChance
{
    /// <summary>Puts elements into a random order.</summary>
    public static void Shuffle<T>(this IMetaEnvironment environment, Span<T> elements)
    {
        for (var i = elements.Length - 1; i > 0; i--)
        {
            var other = environment.Random(i + 1);
            (elements[i], elements[other]) = (elements[other], elements[i]);
        }
    }
}
