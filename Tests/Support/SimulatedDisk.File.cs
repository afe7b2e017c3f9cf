using NatsAspire.Server.Storage.Disk;

namespace NatsAspire.Tests.Support;

/// <summary>Open files.</summary>
public sealed partial class SimulatedDisk
{
    private sealed class SimulatedFile(SimulatedDisk disk, string path, int node) : IDiskFile
    {
        private bool _poisoned;
        private bool _closed;

        public string Path => path;

        public long Length
        {
            get { lock (disk._lock) return Content.Length; }
        }

        private SimulatedContent Content
        {
            get
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                return disk._image.Files[node];
            }
        }

        public int Read(long offset, Span<byte> buffer)
        {
            disk.Intercept?.Invoke(DiskCall.Read, path);
            lock (disk._lock)
            {
                var rule = disk.Enter(DiskCall.Read, path);
                var count = Content.Read(offset, buffer);
                if (rule is { FlippedBit: >= 0 } && count > 0) buffer[rule.FlippedBit / 8 % count] ^= (byte)(1 << (rule.FlippedBit % 8));
                return rule is { FlippedBit: < 0 } ? Math.Min(count, rule.Keep) : count;
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> data)
        {
            disk.Intercept?.Invoke(DiskCall.Write, path);
            lock (disk._lock)
            {
                RefuseIfPoisoned("write");
                var grows = offset + data.Length - Content.Length;
                DiskRule? rule;
                try
                {
                    rule = disk.Enter(DiskCall.Write, path);
                    if (grows > 0 && disk.Used + grows > disk.Capacity) throw new DiskException(DiskFault.Full, "write", path, "simulated disk is full");
                }
                catch (DiskException)
                {
                    _poisoned = true;
                    throw;
                }
                var kept = rule is null ? data : data[..Math.Min(rule.Keep, data.Length)];
                disk.Log(new DiskStep(StepKind.Write, path, node) { Offset = offset, Data = kept.ToArray() });
                if (rule is null) return;
                _poisoned = true;
                throw new DiskException(rule.Fault ?? DiskFault.Device, "write", path, $"injected after {kept.Length} bytes");
            }
        }

        public void SetLength(long length)
        {
            disk.Intercept?.Invoke(DiskCall.SetLength, path);
            lock (disk._lock)
            {
                RefuseIfPoisoned("truncate");
                disk.Enter(DiskCall.SetLength, path);
                Grow(length);
                disk.Log(new DiskStep(StepKind.Length, path, node) { Length = length });
            }
        }

        public void Preallocate(long length)
        {
            disk.Intercept?.Invoke(DiskCall.Preallocate, path);
            lock (disk._lock)
            {
                RefuseIfPoisoned("preallocate");
                disk.Enter(DiskCall.Preallocate, path);
                if (length <= Content.Length) return;
                Grow(length);
                disk.Log(new DiskStep(StepKind.Length, path, node) { Length = length });
            }
        }

        public void Sync()
        {
            disk.Intercept?.Invoke(DiskCall.Sync, path);
            lock (disk._lock)
            {
                RefuseIfPoisoned("sync");
                ObjectDisposedException.ThrowIf(_closed, this);
                try
                {
                    disk.Enter(DiskCall.Sync, path);
                }
                catch (DiskException)
                {
                    _poisoned = true;
                    disk.Log(new DiskStep(StepKind.FailedSync, path, node));
                    throw;
                }
                disk.Log(new DiskStep(StepKind.Sync, path, node));
            }
        }

        public void Dispose() => _closed = true;

        private void Grow(long length)
        {
            if (disk.Used + length - Content.Length > disk.Capacity) throw new DiskException(DiskFault.Full, "allocate", path, "simulated disk is full");
        }

        private void RefuseIfPoisoned(string operation)
        {
            if (_poisoned) throw new DiskException(DiskFault.Poisoned, operation, path, "an earlier write or sync failed");
        }
    }
}
