using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NatsAspire.Benchmarks;

/// <summary>A message as it stands in a client's buffer; good until the next one is read.</summary>
internal readonly ref struct Arrival
{
    public required int Sid { get; init; }

    public required ReadOnlySpan<byte> Reply { get; init; }

    public required ReadOnlySpan<byte> Headers { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>A status instead of a message: end of a request, flow control, sign of life.</summary>
    public bool IsStatus => Headers.Length > StatusAt && Headers[StatusAt] != '\r';

    private const int StatusAt = 8;
}

/// <summary>A blocking client that reads messages and answers them. What it has to say goes out before it waits for more.</summary>
internal sealed class JetStreamClient : IDisposable
{
    private const int ReceiveSize = 4 << 20;
    private const int ApiSid = 9;
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 20_000 };
    private readonly byte[] _in = GC.AllocateUninitializedArray<byte>(ReceiveSize, pinned: true);
    private byte[] _out = new byte[64 << 10];
    private int _start;
    private int _end;
    private int _toSend;

    public JetStreamClient(IPEndPoint address)
    {
        _socket.Connect(address);
        Add("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\nSUB _INBOX.api 9\r\nPING\r\n");
        Pong();
    }

    /// <summary>PONGs received.</summary>
    public int Pongs { get; private set; }

    /// <summary>How long it waits for anything to come.</summary>
    public TimeSpan Patience
    {
        get => TimeSpan.FromMilliseconds(_socket.ReceiveTimeout);
        set => _socket.ReceiveTimeout = (int)value.TotalMilliseconds;
    }

    /// <summary>Adds a line, or several, to what goes out next.</summary>
    public void Add(string text) => Add(Encoding.ASCII.GetBytes(text));

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (_out.Length - _toSend < bytes.Length) Array.Resize(ref _out, Math.Max(2 * _out.Length, _toSend + bytes.Length));
        bytes.CopyTo(_out.AsSpan(_toSend));
        _toSend += bytes.Length;
    }

    /// <summary>Adds a publish of a few bytes.</summary>
    public void AddPublish(ReadOnlySpan<byte> subject, ReadOnlySpan<byte> payload)
    {
        Add("PUB "u8);
        Add(subject);
        Span<byte> size = stackalloc byte[16];
        payload.Length.TryFormat(size[1..], out var digits);
        size[0] = (byte)' ';
        Add(size[..(digits + 1)]);
        Add("\r\n"u8);
        Add(payload);
        Add("\r\n"u8);
    }

    public void Ack(in Arrival arrival) => AddPublish(arrival.Reply, "+ACK"u8);

    /// <summary>Sends what has been added.</summary>
    public void Send()
    {
        for (var sent = 0; sent < _toSend;) sent += _socket.Send(_out.AsSpan(sent, _toSend - sent));
        _toSend = 0;
    }

    /// <summary>Sends what there is, and has the server say that it has read it.</summary>
    public void Flush()
    {
        Add("PING\r\n");
        Pong();
    }

    /// <summary>Waits for a message.</summary>
    public Arrival Next()
    {
        while (true)
        {
            if (TryRead(out var arrival)) return arrival;
            Receive();
        }
    }

    /// <summary>Asks the API, and throws what comes meanwhile away.</summary>
    /// <exception cref="InvalidOperationException">It has refused.</exception>
    public string Request(string subject, string payload = "")
    {
        Add($"PUB {subject} _INBOX.api {payload.Length}\r\n{payload}\r\n");
        while (true)
        {
            var arrival = Next();
            if (arrival.Sid != ApiSid) continue;
            var answer = Encoding.UTF8.GetString(arrival.Payload);
            return answer.Contains("\"error\":", StringComparison.Ordinal) || arrival.IsStatus ? throw new InvalidOperationException($"{subject}: {answer}") : answer;
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Pong()
    {
        var before = Pongs;
        while (Pongs == before)
        {
            if (!TryRead(out _) && Pongs == before) Receive();
        }
    }

    private void Receive()
    {
        Send();
        if (_start > 0)
        {
            Buffer.BlockCopy(_in, _start, _in, 0, _end - _start);
            (_start, _end) = (0, _end - _start);
        }
        var read = _socket.Receive(_in.AsSpan(_end));
        if (read == 0) throw new InvalidOperationException("The server closed the connection.");
        _end += read;
    }

    /// <summary>Takes the next message out of the buffer; what is none is dealt with on the way.</summary>
    private bool TryRead(out Arrival arrival)
    {
        arrival = default;
        while (true)
        {
            var rest = _in.AsSpan(_start, _end - _start);
            var length = rest.IndexOf((byte)'\n');
            if (length < 0) return false;
            var line = rest[..(length - 1)];
            var hasHeaders = line[0] == 'H';
            if (hasHeaders || line[0] == 'M')
            {
                if (!TryReadMessage(line, rest, hasHeaders, out var taken, out arrival)) return false;
                _start += taken;
                return true;
            }
            _start += length + 1;
            if (line.SequenceEqual("PING"u8)) Add("PONG\r\n"u8);
            else if (line.SequenceEqual("PONG"u8)) Pongs++;
            else if (line.StartsWith("-ERR"u8)) throw new InvalidOperationException(Encoding.UTF8.GetString(line));
            if (line.SequenceEqual("PONG"u8)) return false;
        }
    }

    /// <summary><c>MSG subject sid [reply] size</c>, <c>HMSG subject sid [reply] headers size</c>.</summary>
    private static bool TryReadMessage(ReadOnlySpan<byte> line, ReadOnlySpan<byte> rest, bool hasHeaders, out int taken, out Arrival arrival)
    {
        Span<Range> fields = stackalloc Range[6];
        var count = Split(line, fields);
        var size = Number(line[fields[count - 1]]);
        var headers = hasHeaders ? Number(line[fields[count - 2]]) : 0;
        var at = line.Length + 2;
        taken = at + size + 2;
        arrival = default;
        if (rest.Length < taken) return false;
        var hasReply = count == (hasHeaders ? 6 : 5);
        arrival = new Arrival
        {
            Sid = Number(line[fields[2]]),
            Reply = hasReply ? line[fields[3]] : default,
            Headers = rest.Slice(at, headers),
            Payload = rest.Slice(at + headers, size - headers),
        };
        return true;
    }

    private static int Split(ReadOnlySpan<byte> line, Span<Range> fields)
    {
        var count = 0;
        for (var at = 0; at <= line.Length;)
        {
            var length = line[at..].IndexOf((byte)' ');
            var end = length < 0 ? line.Length : at + length;
            fields[count++] = at..end;
            at = end + 1;
        }
        return count;
    }

    private static int Number(ReadOnlySpan<byte> digits) => Utf8Parser.TryParse(digits, out int value, out _) ? value : throw new FormatException("The server has sent no number where one stands.");
}
