using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Tests.Unit.Configuration;

/// <summary>Shows the tokens of a text.</summary>
internal static class ConfigTokens
{
    public static string Show(string text)
    {
        var lexer = new ConfigLexer(ConfigText.Encode(text));
        var shown = new List<string>();
        for (var token = lexer.Next(); token.Kind != ConfigTokenKind.End; token = lexer.Next())
        {
            shown.Add($"{token.Kind}({string.Concat(token.Text.Select(Show))})@{token.Line}:{token.Column}");
            if (token.Kind == ConfigTokenKind.Error) break;
        }
        return string.Join(' ', shown);
    }

    private static string Show(char character) =>
        ConfigText.TryGetRawByte(character, out var raw) ? $"\\x{raw:x2}" : character.ToString();
}
