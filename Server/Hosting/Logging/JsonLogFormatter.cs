using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>
/// One JSON object a line: <c>{"time":"2026-11-21T02:44:24.1234567+00:00","level":"info","pid":7,"event":"Ready","message":"…"}</c>,
/// the message's values beside it in <c>values</c>, and the exception, if any, in <c>error</c>.
/// </summary>
/// <param name="time">Where the time stamps come from; null: lines have none.</param>
/// <param name="utc">Time stamps are in UTC, else local with their offset.</param>
internal sealed class JsonLogFormatter(TimeProvider? time, bool utc) : ILogFormatter
{
    private const string MessageTemplate = "{OriginalFormat}";
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public byte[] Format(in LogEntry entry)
    {
        var line = new ArrayBufferWriter<byte>(entry.Text.Length + 160);
        using (var json = new Utf8JsonWriter(line, Options))
        {
            json.WriteStartObject();
            if (time is not null) json.WriteString("time"u8, (utc ? time.GetUtcNow() : time.GetLocalNow()).ToString("O", CultureInfo.InvariantCulture));
            json.WriteString("level"u8, Name(entry.Level));
            json.WriteNumber("pid"u8, Environment.ProcessId);
            if (entry.Event.Name is { } name) json.WriteString("event"u8, name);
            json.WriteString("message"u8, entry.Text);
            WriteValues(json, entry.Values);
            if (entry.Exception is not null) json.WriteString("error"u8, entry.Exception.ToString());
            json.WriteEndObject();
        }
        line.Write("\n"u8);
        return line.WrittenSpan.ToArray();
    }

    private static void WriteValues(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>>? values)
    {
        if (values is null || values.Count == 0 || (values.Count == 1 && values[0].Key == MessageTemplate)) return;
        json.WriteStartObject("values"u8);
        foreach (var (name, value) in values)
        {
            if (name == MessageTemplate) continue;
            json.WritePropertyName(name);
            switch (value)
            {
                case null: json.WriteNullValue(); break;
                case int number: json.WriteNumberValue(number); break;
                case long number: json.WriteNumberValue(number); break;
                case bool flag: json.WriteBooleanValue(flag); break;
                default: json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture)); break;
            }
        }
        json.WriteEndObject();
    }

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        LogLevel.Critical => "fatal",
        _ => "info",
    };
}
