using NatsAspire.Server.Accounts;

namespace NatsAspire.Server.Clients;

/// <summary>Subjects that clients may not use, whatever their permissions.</summary>
internal static class ReservedSubjects
{
    /// <summary>Reply subjects of service imports, gateways and acknowledgements.</summary>
    public static bool IsReply(ReadOnlySpan<byte> reply) =>
        (reply[0] == '_' && (reply.StartsWith("_R_."u8) || reply.StartsWith("_GR_."u8)))
        || (reply[0] == '$' && reply.Length > "$JS.ACK.".Length && reply.StartsWith("$JS.ACK."u8));

    /// <summary>Routed gateway replies, and Raft traffic outside the system account.</summary>
    public static bool IsForServers(ReadOnlySpan<byte> subject, Account? account, Account? system) =>
        (subject.StartsWith("_GR_."u8) && subject.Length > 5)
        || (subject.StartsWith("$NRG."u8) && !ReferenceEquals(account, system));
}
