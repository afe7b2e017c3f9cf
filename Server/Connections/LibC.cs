using System.Runtime.InteropServices;

namespace NatsAspire.Server.Connections;

/// <summary>The few Linux calls the epoll loop is made of. Each returns -1 and sets errno on failure.</summary>
internal static partial class LibC
{
    public const int EpollCloExec = 0x80000;
    public const int EventNonBlock = 0x800;
    public const int EventCloExec = 0x80000;
    public const int ControlAdd = 1;
    public const int ControlDelete = 2;
    public const int ControlModify = 3;
    public const uint Readable = 0x001;
    public const uint Writable = 0x004;
    public const uint Error = 0x008;
    public const uint HangUp = 0x010;
    public const int DontWait = 0x40;
    public const int NoSignal = 0x4000;
    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int SetTimerSlack = 29;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static unsafe partial int EpollControl(int epoll, int operation, int fd, EpollEvent* change);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    public static unsafe partial int EpollWait(int epoll, EpollEvent* events, int capacity, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static unsafe partial nint Read(int fd, byte* buffer, nint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static unsafe partial nint Write(int fd, byte* buffer, nint count);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    public static unsafe partial nint Receive(int fd, byte* buffer, nint count, int flags);

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    public static unsafe partial nint Send(int fd, byte* buffer, nint count, int flags);

    [LibraryImport(Library, EntryPoint = "nanosleep", SetLastError = true)]
    public static unsafe partial int NanoSleep(TimeSpec* duration, TimeSpec* left);

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    public static partial int ProcessControl(int option, nuint value, nuint unused3, nuint unused4, nuint unused5);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);
}

/// <summary>struct epoll_event; packed on x86-64 only.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct EpollEvent
{
    public uint Events;
    public uint TokenLow;
    public uint TokenHigh;
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    public nint Seconds;
    public nint Nanoseconds;
}
