using System.Runtime.InteropServices;
using System.Text;

namespace NatsAspire.Server.Cli;

/// <summary>
/// Overwrites the secrets of this process's command line, once they were read, where other users of the machine see
/// them: in <c>ps</c> and /proc. On Linux; elsewhere they stay, as upstream's do.
/// </summary>
internal static class SecretArguments
{
    private const byte Mask = (byte)'x';
    private const int ArgumentsStartField = 48;
    private static readonly string[] Secrets = ["pass", "auth"];
    private static readonly string[] Urls = ["routes", "cluster", "cluster_listen", "r", "remote_syslog"];

    /// <summary>Masks them in the memory the kernel shows.</summary>
    /// <param name="arguments">The same, as .NET gives them: most have no secret, and then nothing is looked for.</param>
    public static unsafe void Hide(string[] arguments)
    {
        if (!OperatingSystem.IsLinux() || !Array.Exists(arguments, MayHoldSecret) || !TryFindArguments(out var start, out var length)) return;
        Overwrite(new Span<byte>((void*)start, length));
    }

    private static bool MayHoldSecret(string argument) =>
        argument.Contains('@') || Array.Exists(Secrets, secret => argument.TrimStart('-').StartsWith(secret, StringComparison.Ordinal));

    /// <summary>Masks the values of secret flags in arguments that end in a zero each.</summary>
    internal static void Overwrite(Span<byte> arguments)
    {
        var flag = "";
        while (arguments.IndexOf((byte)0) is >= 0 and var end)
        {
            var argument = arguments[..end];
            arguments = arguments[(end + 1)..];
            if (flag.Length == 0 && argument.Length > 1 && argument[0] == '-')
            {
                var equals = argument.IndexOf((byte)'=');
                flag = Encoding.UTF8.GetString(argument[..(equals < 0 ? end : equals)]).TrimStart('-');
                if (equals < 0) continue;
                argument = argument[(equals + 1)..];
            }
            if (Secrets.Contains(flag)) argument.Fill(Mask);
            else if (Urls.Contains(flag)) MaskUrls(argument);
            flag = "";
        }
    }

    /// <summary>Masks what stands between :// and @ of each URL: user and password, or a token.</summary>
    private static void MaskUrls(Span<byte> urls)
    {
        while (urls.IndexOf("://"u8) is >= 0 and var scheme)
        {
            urls = urls[(scheme + 3)..];
            var next = urls.IndexOf((byte)',');
            var url = next < 0 ? urls : urls[..next];
            if (url.LastIndexOf((byte)'@') is > 0 and var at) url[..at].Fill(Mask);
            urls = urls[url.Length..];
        }
    }

    private static bool TryFindArguments(out nint start, out int length)
    {
        start = 0;
        length = 0;
        try
        {
            // The second field is the program's name in parentheses, which may hold anything.
            var stat = File.ReadAllText("/proc/self/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            start = (nint)ulong.Parse(fields[ArgumentsStartField - 3]);
            length = (int)((nint)ulong.Parse(fields[ArgumentsStartField - 2]) - start);
            // Elsewhere than the kernel says, it must not be written.
            return start > 0 && length > 0 && IsCommandLine(start, length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            // A kernel that does not tell; the arguments stay as they are.
            return false;
        }
    }

    private static bool IsCommandLine(nint start, int length)
    {
        var shown = File.ReadAllBytes("/proc/self/cmdline");
        if (shown.Length != length) return false;
        var memory = new byte[length];
        Marshal.Copy(start, memory, 0, length);
        return memory.AsSpan().SequenceEqual(shown);
    }
}
