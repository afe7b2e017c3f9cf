using System.Buffers;
using System.Text;
using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Subjects;

/// <summary>
/// The mappings of an account, in the order given: the first whose source matches decides. Its weighted
/// destinations share the messages; what is missing to 100 % stays as it is, unless the source itself is among
/// the destinations: then the rest is dropped.
/// </summary>
public sealed class SubjectMappings
{
    private readonly Mapping[] _mappings;

    private SubjectMappings(Mapping[] mappings) => _mappings = mappings;

    /// <exception cref="ConfigurationValueException">A source or destination that cannot be, or weights above 100.</exception>
    public static SubjectMappings Create(IEnumerable<SubjectMappingOptions> options, string clusterName)
    {
        var mappings = new List<Mapping>();
        foreach (var option in options)
        {
            var compiled = Compile(option, clusterName);
            var earlier = mappings.FindIndex(mapping => mapping.SourceText == option.Source);
            if (earlier >= 0) mappings[earlier] = compiled;
            else mappings.Add(compiled);
        }
        return new SubjectMappings([.. mappings]);
    }

    /// <summary>What is wrong with a mapping, in upstream's words; null: nothing.</summary>
    public static string? Validate(SubjectMappingOptions option)
    {
        if (!SubjectRules.IsValid(Encoding.UTF8.GetBytes(option.Source))) return "invalid subject";
        var seen = new HashSet<string>();
        var totals = new Dictionary<string, int>();
        foreach (var destination in option.Destinations)
        {
            if (!seen.Add(destination.Subject)) return $"duplicate entry for \"{destination.Subject}\"";
            if (destination.Weight > 100) return "individual weights need to be <= 100";
            var total = totals.GetValueOrDefault(destination.Cluster) + destination.Weight;
            if (total > 100) return "total weight needs to be <= 100";
            totals[destination.Cluster] = total;
            if (SubjectTransform.ValidateMapping(option.Source, destination.Subject) is { } error) return error;
        }
        return null;
    }

    /// <summary>Looks a subject up.</summary>
    /// <param name="subject">The published subject.</param>
    /// <param name="random">Decides between weighted destinations.</param>
    /// <param name="output">Gets the new subject.</param>
    /// <param name="dropped">True when the lot fell on the share that is lost.</param>
    /// <returns>False when no mapping matches: the subject stays.</returns>
    public bool TryMap(ReadOnlySpan<byte> subject, Random random, IBufferWriter<byte> output, out bool dropped)
    {
        dropped = false;
        foreach (var mapping in _mappings)
        {
            if (!mapping.Matches(subject)) continue;
            if (mapping.Choose(random) is { } transform) return transform.TryTransform(subject, output, random);
            dropped = true;
            return true;
        }
        return false;
    }

    private static Mapping Compile(SubjectMappingOptions option, string clusterName)
    {
        if (Validate(option) is { } error)
        {
            throw new ConfigurationValueException($"mapping of \"{option.Source}\": {error}");
        }
        var scoped = option.Destinations.Where(destination => destination.Cluster.Length > 0 && destination.Cluster == clusterName).ToArray();
        var used = scoped.Length > 0 ? scoped : [.. option.Destinations.Where(destination => destination.Cluster.Length == 0)];
        var shares = used.Select(destination => (Transform: SubjectTransform.Create(option.Source, destination.Subject), destination.Weight)).ToList();
        var total = shares.Sum(share => share.Weight);
        var lossy = option.Destinations.Any(destination => destination.Subject == option.Source);
        if (total < 100 && !lossy) shares.Add((SubjectTransform.Create(option.Source, Identity(option.Source)), 100 - total));
        return new Mapping(option.Source, [.. shares.OrderBy(share => share.Weight)]);
    }

    /// <summary>The destination that leaves a subject as it is: wildcards become $1, $2 …</summary>
    private static string Identity(string source)
    {
        var wildcard = 0;
        return string.Join('.', source.Split('.').Select(token => token == "*" ? $"${++wildcard}" : token));
    }

    private sealed class Mapping(string source, (SubjectTransform? Transform, int Weight)[] shares)
    {
        private readonly byte[] _source = Encoding.UTF8.GetBytes(source);

        public string SourceText => source;

        public bool Matches(ReadOnlySpan<byte> subject) => SubjectRules.Matches(subject, _source);

        public SubjectTransform? Choose(Random random)
        {
            if (shares is [{ Weight: 100 }]) return shares[0].Transform;
            var lot = random.Next(100);
            foreach (var (transform, weight) in shares)
            {
                if (lot < weight) return transform;
                lot -= weight;
            }
            return null;
        }
    }
}
