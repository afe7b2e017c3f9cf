using System.Globalization;
using Microsoft.Extensions.Logging;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Hosting.Logging;

/// <summary>
/// A log file that is renamed when it has grown past a limit, as upstream does it: the line that crosses the limit is
/// the last of its file, whose new name ends in the time, <c>.2026.11.21.02.44.24.123456700</c>; the oldest such
/// files beyond the number to keep are removed.
/// </summary>
internal sealed class FileLogSink : ILogSink
{
    private const string StampFormat = "yyyy.MM.dd.HH.mm.ss";
    private readonly string _path;
    private readonly long _configuredLimit;
    private readonly int _maxFiles;
    private readonly ILogFormatter _formatter;
    private readonly TimeProvider _time;
    private FileStream _file;
    private long _size;
    private long _limit;

    /// <param name="path">The file; appended to if it exists.</param>
    /// <param name="limit">Bytes; 0: none.</param>
    /// <param name="maxFiles">Files to keep, the current one counted; 0: all.</param>
    /// <param name="formatter">Makes the lines about the rotation itself.</param>
    /// <param name="time">Tells the time in file names.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public FileLogSink(string path, long limit, int maxFiles, ILogFormatter formatter, TimeProvider time)
    {
        _path = path;
        _configuredLimit = _limit = limit;
        _maxFiles = maxFiles;
        _formatter = formatter;
        _time = time;
        _file = Open();
        _size = _file.Length;
        if (_limit > 0 && _size > _limit) Write(Line(LogLevel.Information, "Rotating logfile..."));
    }

    public void Write(ReadOnlySpan<byte> line)
    {
        _file.Write(line);
        _size += line.Length;
        if (_limit > 0 && _size > _limit) Rotate();
    }

    public void Reopen()
    {
        var opened = Open();
        _file.Dispose();
        _file = opened;
        _size = opened.Length;
    }

    public void Dispose() => _file.Dispose();

    private FileStream Open()
    {
        try
        {
            return new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new IOException($"error opening file: open {_path}: {error.Message}", error);
        }
    }

    private void Rotate()
    {
        var now = _time.GetLocalNow();
        var nanoseconds = now.Ticks % TimeSpan.TicksPerSecond * 100;
        var backup = string.Create(CultureInfo.InvariantCulture, $"{_path}.{now.ToString(StampFormat, CultureInfo.InvariantCulture)}.{nanoseconds:D9}");
        try
        {
            File.Move(_path, backup);
            Reopen();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The open file goes on, under whichever name it has now.
            _limit *= 2;
            Append(LogLevel.Error, $"Unable to rotate logfile ({error.Message}), will attempt next rotation at size {_limit}");
            return;
        }
        _limit = _configuredLimit;
        Append(LogLevel.Information, $"Rotated log, backup saved as {QuotedText.Quote(backup)}");
        if (_maxFiles > 0) Purge();
    }

    private void Purge()
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(_path))!;
        try
        {
            var backups = Directory.EnumerateFiles(folder).Where(IsBackup).Order(StringComparer.Ordinal).ToList();
            foreach (var backup in backups.Take(backups.Count - (_maxFiles - 1)))
            {
                File.Delete(backup);
                Append(LogLevel.Information, $"Purged log file {QuotedText.Quote(Path.GetFileName(backup))}");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Append(LogLevel.Error, $"Unable to remove old log files of {QuotedText.Quote(folder)} ({error.Message}), will attempt next rotation");
        }
    }

    /// <summary>True for a name that a rotation gave; others that begin alike are somebody else's.</summary>
    private bool IsBackup(string path)
    {
        var prefix = Path.GetFileName(_path) + ".";
        var name = Path.GetFileName(path);
        if (!name.StartsWith(prefix, StringComparison.Ordinal)) return false;
        var stamp = name[prefix.Length..];
        return stamp.Length == StampFormat.Length + 10
            && stamp[StampFormat.Length] == '.'
            && stamp.AsSpan(StampFormat.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0
            && DateTime.TryParseExact(stamp[..StampFormat.Length], StampFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
    }

    private void Append(LogLevel level, string text)
    {
        var line = Line(level, text);
        _file.Write(line);
        _size += line.Length;
    }

    private byte[] Line(LogLevel level, string text) => _formatter.Format(new LogEntry(level, new EventId(0, "LogRotation"), text));
}

/// <summary>Standard error.</summary>
internal sealed class ErrorStreamLogSink : ILogSink
{
    private readonly Stream _stream = Console.OpenStandardError();

    public void Write(ReadOnlySpan<byte> line) => _stream.Write(line);

    public void Reopen()
    {
        // Standard error has no name to be opened by.
    }

    public void Dispose() => _stream.Flush();
}
