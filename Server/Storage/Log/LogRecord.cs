namespace NatsAspire.Server.Storage.Log;

/// <summary>A record read back.</summary>
public readonly ref struct LogRecord
{
    public required ulong Group { get; init; }

    public required ulong Index { get; init; }

    public required byte Kind { get; init; }

    /// <summary>Good until the visitor returns.</summary>
    public required ReadOnlySpan<byte> Payload { get; init; }
}

/// <summary>Takes the records of a replay.</summary>
public interface ILogVisitor
{
    void Visit(in LogRecord record);
}
