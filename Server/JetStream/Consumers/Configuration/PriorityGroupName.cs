using System.Buffers;

namespace NatsAspire.Server.JetStream.Consumers.Configuration;

/// <summary>Names of priority groups.</summary>
public static class PriorityGroupName
{
    /// <summary>Characters of a name at most.</summary>
    public const int MaxLength = 16;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_=-");

    /// <summary>Whether a group may be called that.</summary>
    public static bool IsValid(string name) => name.Length is > 0 and <= MaxLength && !name.AsSpan().ContainsAnyExcept(Allowed);
}
