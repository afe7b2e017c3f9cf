using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Claims of operator JWTs, which a configuration holds inline or names a file of.</summary>
internal static partial class OperatorJwt
{
    private const string InlinePrefix = "eyJ";
    private const long MaxBytes = 1024 * 1024;

    /// <summary>Reads the claims; their signature is not checked here.</summary>
    /// <param name="source">File name, or the JWT itself.</param>
    /// <param name="claims">What it says.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? Read(string source, out OperatorClaims? claims)
    {
        claims = null;
        var text = source;
        try
        {
            text = Encoding.UTF8.GetString(ConfigPath.ReadFile(source, MaxBytes));
        }
        catch (ConfigException failure) when (!source.StartsWith(InlinePrefix, StringComparison.Ordinal))
        {
            return failure.Message;
        }
        catch (ConfigException)
        {
            text = source;
        }
        var jwt = Undecorate(text);
        if (Decode(jwt, out var payload) is { } error) return error;
        using (payload)
        {
            try
            {
                if (TypeOf(payload!) != "operator") return "not operator claim";
                claims = ReadClaims(jwt, payload!.RootElement);
                return null;
            }
            catch (InvalidOperationException failure)
            {
                // Texts that are no Unicode.
                return failure.Message;
            }
        }
    }

    public static bool IsAccount(string jwt)
    {
        if (Decode(jwt, out var payload) is not null) return false;
        using (payload)
        {
            try
            {
                return TypeOf(payload!) == "account";
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
    }

    private static OperatorClaims ReadClaims(string jwt, JsonElement root)
    {
        var nats = root.GetProperty("nats");
        return new OperatorClaims
        {
            Jwt = jwt,
            Subject = Text(root, "sub"),
            Name = Text(root, "name"),
            SigningKeys = nats.TryGetProperty("signing_keys", out var keys) && keys.ValueKind == JsonValueKind.Array
                ? [.. keys.EnumerateArray().Select(key => key.ToString())]
                : [],
            SystemAccount = Text(nats, "system_account"),
            AccountServerUrl = Text(nats, "account_server_url"),
            AssertServerVersion = Text(nats, "assert_server_version"),
            StrictSigningKeyUsage = nats.TryGetProperty("strict_signing_key_usage", out var strict) && strict.ValueKind == JsonValueKind.True,
        };
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    /// <summary>Kind of the claims; their first version said it outside of the NATS part.</summary>
    private static string TypeOf(JsonDocument payload)
    {
        var root = payload.RootElement;
        var hasClaims = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("nats", out var nats) && nats.ValueKind == JsonValueKind.Object;
        if (!hasClaims) return "";
        var type = Text(root.GetProperty("nats"), "type");
        return type.Length > 0 ? type : Text(root, "type");
    }

    /// <summary>A file may frame the JWT with dashes.</summary>
    private static string Undecorate(string text)
    {
        var match = Frame().Match(text);
        return (match.Success ? match.Groups[1].Value : text).Trim();
    }

    private static string? Decode(string jwt, out JsonDocument? payload)
    {
        payload = null;
        var chunks = jwt.Split('.');
        if (chunks.Length != 3) return "expected 3 chunks";
        try
        {
            payload = JsonDocument.Parse(Base64Url.DecodeFromChars(chunks[1]));
            return null;
        }
        catch (FormatException)
        {
            return "illegal base64 data";
        }
        catch (JsonException failure)
        {
            return failure.Message;
        }
    }

    [GeneratedRegex(@"-{3,}[^\n]*-{3,}\s*\n([\s\S]+?)\n\s*-{3,}[^\n]*-{3,}")]
    private static partial Regex Frame();
}
