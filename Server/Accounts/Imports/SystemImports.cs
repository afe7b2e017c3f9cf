using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>
/// What every account may ask the system account: who its user is, and of its own connections. The account's name
/// goes into the subject, so that nobody asks about another.
/// </summary>
internal static class SystemImports
{
    private static readonly ExportOptions UserInfo = Service("$SYS.REQ.USER.*.INFO", ServiceResponse.Single);
    private static readonly ExportOptions Connections = Service("$SYS.REQ.ACCOUNT.*.CONNZ", ServiceResponse.Stream);
    private static readonly ExportOptions Statistics = Service("$SYS.REQ.ACCOUNT.*.STATZ", ServiceResponse.Stream);

    private static readonly ExportOptions JetStream = Service("$JS.API.>", ServiceResponse.Single);

    /// <summary>
    /// Requests of JetStream's API, which every server of a cluster hears in the system account. Not those for messages:
    /// they go straight to who leads the stream.
    /// </summary>
    private static readonly string[] JetStreamRequests =
    [
        "INFO", "STREAM.>", "CONSUMER.CREATE.>", "CONSUMER.DURABLE.>", "CONSUMER.DELETE.>", "CONSUMER.INFO.>", "CONSUMER.LIST.>", "CONSUMER.NAMES.>", "CONSUMER.PAUSE.>",
        "CONSUMER.RESET.>", "CONSUMER.UNPIN.>", "CONSUMER.LEADER.>",
    ];

    /// <summary>What an account asks JetStream of a cluster.</summary>
    public static IEnumerable<ServiceImport> ForJetStream(Account account, Account system) =>
        JetStreamRequests.Select(request => Import(account, system, JetStream, $"$JS.API.{request}", $"$JS.API.{request}", share: true));

    /// <summary>Makes them for one account.</summary>
    public static IEnumerable<ServiceImport> For(Account account, Account system) =>
    [
        Import(account, system, UserInfo, "$SYS.REQ.USER.INFO", $"$SYS.REQ.USER.{account.Name}.INFO", share: true),
        Import(account, system, Connections, "$SYS.REQ.ACCOUNT.PING.CONNZ", $"$SYS.REQ.ACCOUNT.{account.Name}.CONNZ"),
        Import(account, system, Connections, "$SYS.REQ.SERVER.PING.CONNZ", $"$SYS.REQ.ACCOUNT.{account.Name}.CONNZ"),
        Import(account, system, Statistics, "$SYS.REQ.ACCOUNT.PING.STATZ", $"$SYS.REQ.ACCOUNT.{account.Name}.STATZ"),
    ];

    private static ServiceImport Import(Account account, Account system, ExportOptions export, string local, string target, bool share = false) =>
        new(account, system.ExportOf(export), new ImportMapping(target, local), share, allowTrace: false);

    private static ExportOptions Service(string subject, ServiceResponse response) => new() { Subject = subject, IsService = true, Response = response };
}
