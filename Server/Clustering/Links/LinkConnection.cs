using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Clients;
using NatsAspire.Server.Connections;
using NatsAspire.Server.Protocol;

namespace NatsAspire.Server.Clustering.Links;

/// <summary>A connection to another server, of this cluster or of another: what all kinds of them have in common.</summary>
public abstract partial class LinkConnection : Connection
{
    /// <summary>A line between servers may be as many times longer than a client's: it names accounts, origins and queues.</summary>
    private const int ControlLineFactor = 16;

    /// <summary>Bytes a message between servers may have, headers included.</summary>
    protected const int MaxRoutedMessage = 65 * 1024 * 1024;

    private readonly ILinkHost _host;

    /// <param name="transport">What it talks through.</param>
    /// <param name="host">The server it belongs to.</param>
    /// <param name="id">Its number on this server.</param>
    /// <param name="kind">What stands before the number in the log.</param>
    private protected LinkConnection(Transport transport, ILinkHost host, ulong id, string kind)
        : base(transport)
    {
        _host = host;
        Id = id;
        Label = $"{RemoteEndPoint} - {kind}:{id}";
        IsTraced = host.Log.IsEnabled(LogLevel.Trace);
        _pingSentTimestamp = Stopwatch.GetTimestamp();
        MaxPendingBytes = host.Options.Limits.MaxPending;
        _startedMilliseconds = Environment.TickCount64;
        StartedAt = TimeProvider.System.GetUtcNow();
    }

    public ulong Id { get; }

    /// <summary>Server id of the peer; null before its INFO.</summary>
    public string? RemoteId { get; private protected set; }

    public string? RemoteName { get; private protected set; }

    /// <summary>What its log lines begin with.</summary>
    private protected string Label { get; }

    private protected bool IsTraced { get; set; }

    private protected ILogger Log => _host.Log;

    /// <summary>Bytes the item that parsing left over has in all; 0: not known.</summary>
    private protected int PendingItem { get; set; }

    protected override int PendingItemLength => PendingItem;

    /// <summary>Bytes a control line may have.</summary>
    private protected int MaxControlLine => (int)Math.Min(ControlLineFactor * (long)_host.Options.Limits.MaxControlLine, MaxRoutedMessage);

    /// <summary>Sends a line of protocol. From any thread.</summary>
    internal void SendLine(byte[] line)
    {
        if (IsClosing) return;
        if (IsTraced) LinkLog.Out(Log, Label, Redaction.HideSecrets(line).TrimEnd());
        Enqueue(line);
    }

    protected override void OnReadFault(string fault) => LinkLog.Error(Log, Label, "read error: " + fault);

    /// <summary>Begins to speak, in TLS if there is to be any.</summary>
    private protected abstract void StartProtocol();

    /// <summary>Tells the peer what is wrong, and closes.</summary>
    private protected void Fail(string text, CloseReason reason)
    {
        LinkLog.Error(Log, Label, text);
        Enqueue(Encoding.UTF8.GetBytes($"-ERR '{text}'\r\n"));
        Close(reason);
    }

    private protected void RefuseAuthentication()
    {
        LinkLog.Error(Log, Label, "authentication error");
        Enqueue("-ERR 'Authorization Violation'\r\n"u8);
        Close(CloseReason.AuthenticationViolation);
    }

    /// <summary>Reads a JSON argument; closes when it cannot be read.</summary>
    private protected bool TryRead<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, out T value)
        where T : class, new()
    {
        try
        {
            value = JsonSerializer.Deserialize(json, type) ?? new T();
            return true;
        }
        catch (JsonException error)
        {
            LinkLog.Error(Log, Label, error.Message);
            Close(CloseReason.ProtocolViolation);
            value = new T();
            return false;
        }
    }

    /// <summary>The other side may be anybody's, and is told what was too much; servers of one system are not.</summary>
    private protected virtual bool TellsOfLimits => false;

    private protected void ProcessFault(ProtocolFault fault, ReadOnlySpan<byte> line)
    {
        var shown = Redaction.Snippet(line);
        if (fault == ProtocolFault.UnknownOperation) Fail("Unknown Protocol Operation", CloseReason.ProtocolViolation);
        else if (fault == ProtocolFault.MessageTooLarge && TellsOfLimits)
        {
            LinkLog.Error(Log, Label, $"maximum payload exceeded: \"{shown}\"");
            Fail("Maximum Payload Violation", CloseReason.MaxPayloadExceeded);
        }
        else
        {
            LinkLog.Error(Log, Label, $"{(fault == ProtocolFault.ControlLineTooLong ? "maximum control line exceeded" : "parse error")}: \"{shown}\"");
            Close(CloseReason.ProtocolViolation);
        }
    }

    private protected bool BadArguments(ReadOnlySpan<byte> arguments)
    {
        ProcessFault(ProtocolFault.BadArguments, arguments);
        return false;
    }

    /// <summary>User and password of an address.</summary>
    private protected static (string? User, string? Password) Credentials(Uri url)
    {
        if (url.UserInfo.Length == 0) return (null, null);
        var parts = url.UserInfo.Split(':', 2);
        return (Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : null);
    }
}
