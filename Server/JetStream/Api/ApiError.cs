using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace NatsAspire.Server.JetStream.Api;

/// <summary>An error as the API tells it.</summary>
/// <param name="Code">In the manner of HTTP: 400 the request's fault, 500 the server's, 404, 408, 412, 503.</param>
/// <param name="ErrorCode">Which error it is, from 10,000; clients know errors by this number.</param>
/// <param name="Description">For people; in the table with placeholders such as <c>{err}</c>.</param>
public sealed record ApiError(
    [property: JsonPropertyName("code"), JsonPropertyOrder(0)] int Code,
    [property: JsonPropertyName("err_code"), JsonPropertyOrder(1)] ushort ErrorCode,
    [property: JsonPropertyName("description"), JsonPropertyOrder(2)] string Description)
{
    /// <summary>The error with its placeholder filled in.</summary>
    public ApiError With(string value) => this with { Description = Fill(Description, value) };

    /// <summary>The error with its two placeholders filled in, in the order they are written.</summary>
    public ApiError With(string first, string second) => this with { Description = Fill(Description, first, second) };

    /// <summary>The error with a number for its placeholder.</summary>
    public ApiError With(ulong value) => With(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Whether it is that error of the table, whatever its placeholders were filled with.</summary>
    public bool Is(ApiError error) => ErrorCode == error.ErrorCode;

    public override string ToString() => $"{Description} ({ErrorCode})";

    /// <summary>Values are put in once: braces in them are not placeholders.</summary>
    private static string Fill(string template, params ReadOnlySpan<string> values)
    {
        var filled = new StringBuilder(template.Length + 32);
        var rest = template.AsSpan();
        foreach (var value in values)
        {
            var open = rest.IndexOf('{');
            var close = rest.IndexOf('}');
            if (open < 0 || close < open) break;
            filled.Append(rest[..open]).Append(value);
            rest = rest[(close + 1)..];
        }
        return filled.Append(rest).ToString();
    }
}
