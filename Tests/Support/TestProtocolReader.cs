using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;

namespace NatsAspire.Tests.Support;

/// <summary>One operation a server sent.</summary>
/// <param name="Name">In upper case.</param>
/// <param name="Arguments">What follows on the line.</param>
/// <param name="Sid">Of MSG and HMSG.</param>
/// <param name="Message">Of MSG and HMSG.</param>
/// <param name="Json">Of INFO.</param>
internal sealed record TestOperation(string Name, string Arguments, int Sid = 0, TestMessage? Message = null, JsonElement Json = default);

/// <summary>Reads what a server says to a client, strictly: anything malformed is an exception, not a guess.</summary>
internal sealed class TestProtocolReader(Stream stream)
{
    private readonly PipeReader _pipe = PipeReader.Create(stream);

    /// <summary>The next operation; null at the end of the stream.</summary>
    public async Task<TestOperation?> ReadAsync()
    {
        if (await ReadLineAsync() is not { } line) return null;
        var parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
        var (name, arguments) = (parts[0].ToUpperInvariant(), parts.Length > 1 ? parts[1] : "");
        return name switch
        {
            "MSG" or "HMSG" => await ReadMessageAsync(name, arguments),
            "INFO" => new TestOperation(name, arguments, Json: Parse(arguments)),
            _ => new TestOperation(name, arguments),
        };
    }

    private async Task<TestOperation> ReadMessageAsync(string name, string arguments)
    {
        var fields = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var sizes = name == "HMSG" ? 2 : 1;
        if (fields.Length != 2 + sizes && fields.Length != 3 + sizes) throw new InvalidDataException($"{name} {arguments}");
        var reply = fields.Length == 3 + sizes ? fields[2] : null;
        var total = int.Parse(fields[^1]);
        var headerSize = sizes == 2 ? int.Parse(fields[^2]) : 0;
        var body = await ReadBytesAsync(total + 2);
        if (!body.AsSpan(total).SequenceEqual("\r\n"u8)) throw new InvalidDataException($"{name} {arguments}: no CR LF behind the payload");
        var headers = sizes == 2 ? TestHeaders.Parse(body.AsSpan(0, headerSize)) : null;
        return new TestOperation(name, arguments, int.Parse(fields[1]), new TestMessage(fields[0], reply, body[headerSize..total], headers));
    }

    private async Task<string?> ReadLineAsync()
    {
        while (true)
        {
            var result = await _pipe.ReadAsync();
            if (result.Buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, end)).TrimEnd('\r');
                _pipe.AdvanceTo(result.Buffer.GetPosition(1, end));
                return line;
            }
            if (result.IsCompleted) return null;
            _pipe.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private async Task<byte[]> ReadBytesAsync(int count)
    {
        var result = await _pipe.ReadAtLeastAsync(count);
        if (result.Buffer.Length < count) throw new EndOfStreamException($"{result.Buffer.Length} of {count} bytes of a message came");
        var bytes = result.Buffer.Slice(0, count).ToArray();
        _pipe.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(Encoding.Latin1.GetBytes(json));
        return document.RootElement.Clone();
    }
}
