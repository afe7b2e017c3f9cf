using System.Globalization;
using System.Text;

namespace NatsAspire.Tests.Unit.Security.Matrix;

/// <summary>Permissions as a configuration writes them; null lists are not written.</summary>
/// <param name="PublishAllow">Subjects.</param>
/// <param name="PublishDeny">Subjects.</param>
/// <param name="SubscribeAllow">Subjects, some with a queue behind a blank.</param>
/// <param name="SubscribeDeny">The same.</param>
/// <param name="MaxResponses">Null: no answers beyond the lists; negative: any number.</param>
internal sealed record MatrixPermissions(
    string[]? PublishAllow, string[]? PublishDeny, string[]? SubscribeAllow, string[]? SubscribeDeny, int? MaxResponses)
{
    public string Write()
    {
        var text = new StringBuilder("{ ");
        // The order of the entries means nothing: answers come first here.
        if (MaxResponses is { } max) text.Append(CultureInfo.InvariantCulture, $"allow_responses: {{ max: {max}, expires: \"1h\" }}, ");
        text.Append(WriteLists("publish", PublishAllow, PublishDeny)).Append(WriteLists("subscribe", SubscribeAllow, SubscribeDeny));
        return text.Append('}').ToString();
    }

    private static string WriteLists(string key, string[]? allow, string[]? deny) =>
        allow is null && deny is null ? "" : $"{key}: {{ {WriteList("allow", allow)}{WriteList("deny", deny)} }}, ";

    private static string WriteList(string key, string[]? subjects) =>
        subjects is null ? "" : $"{key}: [ {string.Join(", ", subjects.Select(subject => $"\"{subject}\""))} ], ";
}

internal sealed record MatrixUser(string Name, MatrixPermissions? Own);

/// <summary>What an account offers.</summary>
/// <param name="Subject">Its pattern.</param>
/// <param name="IsService">Service or stream.</param>
/// <param name="Accounts">Who may import it; null: anybody.</param>
/// <param name="TokenPosition">The token, from 1, that has to be the importer's name; 0: none.</param>
/// <param name="Streamed">A service that answers more than once.</param>
internal sealed record MatrixExport(string Subject, bool IsService, string[]? Accounts = null, int TokenPosition = 0, bool Streamed = false)
{
    public string Write() =>
        $"{{ {(IsService ? "service" : "stream")}: \"{Subject}\""
        + (Accounts is null ? "" : $", accounts: [ {string.Join(", ", Accounts)} ]")
        + (TokenPosition > 0 ? $", account_token_position: {TokenPosition}" : "")
        + (Streamed ? ", response: stream" : "") + " }";
}

/// <summary>What an account takes from another.</summary>
/// <param name="Exporter">The other's name.</param>
/// <param name="Export">What covers it.</param>
/// <param name="Subject">The exporter's subjects.</param>
/// <param name="Keyword">prefix, to, or empty.</param>
/// <param name="Value">What the keyword says.</param>
internal sealed record MatrixImport(string Exporter, MatrixExport Export, string Subject, string Keyword, string Value)
{
    /// <summary>The local pattern, its wildcards as $1, $2 …</summary>
    public string Local => Keyword switch
    {
        "prefix" => Value + "." + Numbered(Subject),
        "to" => Numbered(Value),
        _ => Numbered(Subject),
    };

    public string Write() =>
        $"{{ {(Export.IsService ? "service" : "stream")}: {{ account: {Exporter}, subject: \"{Subject}\" }}"
        + (Keyword.Length == 0 ? "" : $", {Keyword}: \"{Value}\"") + " }";

    private static string Numbered(string subject)
    {
        var number = 0;
        return string.Join('.', subject.Split('.').Select(token => token == "*" ? $"${++number}" : token));
    }
}

internal sealed record MatrixAccount(
    string Name, List<MatrixUser> Users, List<MatrixExport> Exports, List<MatrixImport> Imports, MatrixPermissions? Defaults)
{
    public string Write()
    {
        var text = new StringBuilder($"  {Name} {{\n    users: [\n");
        foreach (var user in Users)
        {
            var permissions = user.Own is null ? "" : ", permissions: " + user.Own.Write();
            text.Append(CultureInfo.InvariantCulture, $"      {{ user: {user.Name}, password: pw{permissions} }}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"      {{ user: {Sentinel}, password: pw, permissions: {{ publish: \"sentinel.>\", subscribe: \"sentinel.>\" }} }}\n    ]\n");
        foreach (var (key, items) in new[] { ("exports", Exports.Select(export => export.Write())), ("imports", Imports.Select(import => import.Write())) })
        {
            text.Append(CultureInfo.InvariantCulture, $"    {key}: [\n      {string.Join("\n      ", items)}\n    ]\n");
        }
        if (Defaults is not null) text.Append(CultureInfo.InvariantCulture, $"    default_permissions: {Defaults.Write()}\n");
        return text.Append("  }\n").ToString();
    }

    /// <summary>A user of the test itself, to see that messages have crossed the cluster.</summary>
    public string Sentinel => "sentinel" + Name;
}

/// <summary>A client.</summary>
/// <param name="Index">Its place among all clients.</param>
/// <param name="Account">Its account.</param>
/// <param name="User">Its user.</param>
/// <param name="Server">The server it is at.</param>
/// <param name="InProcess">Without a socket.</param>
/// <param name="Echo">It wants its own messages.</param>
internal sealed record MatrixConnection(int Index, MatrixAccount Account, MatrixUser User, int Server, bool InProcess, bool Echo)
{
    public MatrixPermissions? Permissions => User.Own ?? Account.Defaults;
}

/// <summary>A subscription asked for.</summary>
/// <param name="Connection">By whom.</param>
/// <param name="Sid">Unique within the connection.</param>
/// <param name="Subject">To what.</param>
/// <param name="Queue">Queue group, or null.</param>
/// <param name="Unsubscribed">Given up again before anything is published.</param>
internal sealed record MatrixSubscription(MatrixConnection Connection, string Sid, string Subject, string? Queue, bool Unsubscribed);

/// <summary>A publish; its id is its payload.</summary>
internal sealed record MatrixPublish(int Id, MatrixConnection Connection, string Subject, string? Reply);

/// <summary>A configuration and what its clients do.</summary>
internal sealed record MatrixWorld(
    int Seed, List<MatrixAccount> Accounts, List<MatrixConnection> Connections, List<MatrixSubscription> Subscriptions, List<MatrixPublish> Publishes)
{
    public string Write() => "accounts {\n" + string.Concat(Accounts.Select(account => account.Write())) + "}\n";
}
