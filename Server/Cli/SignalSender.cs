using System.Globalization;
using System.Text;
using NatsAspire.Server.Configuration.Loading;

namespace NatsAspire.Server.Cli;

/// <summary>Sends signals to other servers of this machine.</summary>
/// <param name="findServers">Process ids of running servers, this one left out.</param>
/// <param name="kill">Sends a signal number to a process; returns what is wrong, or null.</param>
public sealed class SignalSender(Func<IReadOnlyList<int>> findServers, Func<int, int, string?> kill)
{
    private const int SigHup = 1;
    private const int SigInt = 2;
    private const int SigKill = 9;
    private const int SigUsr1 = 10;
    private const int SigUsr2 = 12;
    private const int SigTerm = 15;

    /// <summary>Sends a command's signal.</summary>
    /// <param name="command">stop, quit, term, reopen, reload or ldm.</param>
    /// <param name="process">A process id, the start of some with a star, or empty for the only one.</param>
    /// <exception cref="CliException">No such command or process, or the signal was refused.</exception>
    public void Send(string command, string process)
    {
        var isPattern = process.EndsWith('*');
        var wanted = isPattern ? process[..^1] : process;
        var number = 0;
        if (wanted.Length > 0 && !int.TryParse(wanted, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number))
        {
            throw new CliException($"invalid pid: {wanted}");
        }
        var processes = wanted.Length == 0 || isPattern ? findServers() : [number];
        if (processes.Count > 1 && !isPattern)
        {
            throw new CliException($"multiple nats-server processes running:{string.Concat(processes.Select(id => $"\n{id}"))}");
        }
        if (processes.Count == 0) throw new CliException("no nats-server processes running");
        SendAll(command, processes.Where(id => Matches(id, wanted, isPattern)));
    }

    private static bool Matches(int id, string wanted, bool isPattern)
    {
        var text = id.ToString(CultureInfo.InvariantCulture);
        return wanted.Length == 0 || text == wanted || (isPattern && text.StartsWith(wanted, StringComparison.Ordinal));
    }

    private void SendAll(string command, IEnumerable<int> processes)
    {
        var signal = SignalOf(command);
        var failures = new StringBuilder();
        foreach (var id in processes)
        {
            if (kill(id, signal) is { } error) failures.Append(CultureInfo.InvariantCulture, $"\nsignal {QuotedText.Quote(command)} {id}: {error}");
        }
        if (failures.Length > 0) throw new CliException(failures.ToString());
    }

    private static int SignalOf(string command) => command switch
    {
        "stop" => SigKill,
        "quit" => SigInt,
        "reopen" => SigUsr1,
        "reload" => SigHup,
        "ldm" => SigUsr2,
        "term" => SigTerm,
        _ => throw new CliException($"unknown signal {QuotedText.Quote(command)}"),
    };
}
