using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Accounts;

/// <summary>How a JetStream domain is reached by its name: the API and what is built on it, without the prefix.</summary>
internal static class DomainMappings
{
    /// <summary>Tails behind <c>$JS.domain.API.</c>, and where they lead.</summary>
    private static readonly (string Tail, string To)[] Table =
    [
        ("INFO", "$JS.API.INFO"), ("STREAM.>", "$JS.API.STREAM.>"), ("CONSUMER.>", "$JS.API.CONSUMER.>"), ("DIRECT.>", "$JS.API.DIRECT.>"),
        ("META.>", "$JS.API.META.>"), ("SERVER.>", "$JS.API.SERVER.>"), ("ACCOUNT.>", "$JS.API.ACCOUNT.>"), ("$KV.>", "$KV.>"), ("$OBJ.>", "$OBJ.>"),
    ];

    public static IEnumerable<SubjectMappingOptions> Of(string domain) => Table.Select(row => Map($"$JS.{domain}.API.{row.Tail}", row.To));

    /// <summary>The other way round: who names no domain means this one.</summary>
    public static IEnumerable<SubjectMappingOptions> ByDefault(string domain) => Table.Select(row => Map(row.To, $"$JS.{domain}.API.{row.Tail}"));

    private static SubjectMappingOptions Map(string from, string to) => new() { Source = from, Destinations = [new MappingDestinationOptions(to, 100)] };
}
