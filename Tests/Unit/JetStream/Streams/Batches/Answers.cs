using System.Text.Json;

namespace NatsAspire.Tests.Unit.JetStream.Streams.Batches;

/// <summary>Short forms of acknowledgements.</summary>
internal static class Answers
{
    /// <summary>An error's code, or the sequence.</summary>
    public static string CodeOrSequence(string answer)
    {
        using var json = JsonDocument.Parse(answer);
        return json.RootElement.TryGetProperty("error", out var error) ? error.GetProperty("err_code").ToString() : json.RootElement.GetProperty("seq").ToString();
    }
}
