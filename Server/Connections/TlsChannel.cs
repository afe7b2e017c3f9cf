using System.Buffers;
using System.Net.Security;

namespace NatsAspire.Server.Connections;

/// <summary>
/// TLS over another channel. SslStream's asynchronous calls complete inline, on the thread that feeds it: a pending
/// zero-byte read ends when a record is decrypted, which is then copied out without waiting.
/// </summary>
internal sealed class TlsChannel : ByteChannel
{
    private readonly ByteChannel _below;
    private readonly TlsWire _wire;
    private ValueTask<int> _waiting;
    private bool _isWaiting;
    private bool _mayHoldMore;
    private volatile bool _established;

    /// <param name="below">Carries the records.</param>
    /// <param name="received">Bytes of the handshake that were read already.</param>
    public TlsChannel(ByteChannel below, ReadOnlySpan<byte> received)
    {
        _below = below;
        _wire = new TlsWire(below, received);
        Ssl = new SslStream(_wire, leaveInnerStreamOpen: true);
    }

    public SslStream Ssl { get; }

    /// <summary>The peer began with something else than a handshake of TLS.</summary>
    public bool BeganOtherwise => _wire.BeganOtherwise;

    public override bool HasBuffered => _mayHoldMore;

    public override bool HasUnsent => _wire.HasUnsent;

    /// <summary>The handshake is over: data flows.</summary>
    public void Establish()
    {
        _established = true;
        _mayHoldMore = true;
    }

    /// <summary>Hands what came in to the handshake; its answer goes out.</summary>
    /// <returns>False when the channel below is gone.</returns>
    public bool Advance()
    {
        _wire.Feed();
        return _wire.Drain() != Failed;
    }

    public override int Receive(Span<byte> buffer)
    {
        if (!_established) return Advance() ? WouldBlock : Failed;
        try
        {
            if (_isWaiting) _wire.Feed();
            else _waiting = Ssl.ReadAsync(Memory<byte>.Empty);
            _isWaiting = true;
            _mayHoldMore = _waiting.IsCompleted;
            if (!_mayHoldMore) return WouldBlock;
            _isWaiting = false;
            _waiting.GetAwaiter().GetResult();
            var count = Ssl.Read(buffer);
            _mayHoldMore = count > 0;
            return count;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            _mayHoldMore = false;
            return Failed;
        }
    }

    public override int Send(ReadOnlySpan<byte> data)
    {
        try
        {
            if (_wire.HasUnsent && _wire.Drain() is < 0 and var result) return result;
            if (data.IsEmpty) return 0;
            Ssl.Write(data);
            return _wire.Drain() == Failed ? Failed : data.Length;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            return Failed;
        }
    }

    protected override void Dispose(bool disposing)
    {
        try
        {
            if (_established) _ = Ssl.ShutdownAsync();
            _wire.Drain();
            Ssl.Dispose();
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // The other side was faster; there is nobody left to say goodbye to.
            Ssl.Dispose();
        }
        finally
        {
            _wire.Dispose();
            _below.Dispose();
        }
    }
}
