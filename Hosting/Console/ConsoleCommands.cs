using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>What the console's buttons do.</summary>
/// <param name="runner">Whose servers.</param>
/// <param name="log">Told of what was done.</param>
internal sealed class ConsoleCommands(LocalRunner runner, IRunnerLog log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6), Quiet = TimeSpan.FromMilliseconds(700);

    public async Task<CommandResponse> RunAsync(CommandRequest request, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        try
        {
            return request.Command switch
            {
                "StepDownMeta" => await StepDownAsync(request, "$JS.API.META.LEADER.STEPDOWN", TopologySecrets.SystemUser, limit.Token),
                "StepDownStream" when IsName(request.Stream) =>
                    await StepDownAsync(request, $"$JS.API.STREAM.LEADER.STEPDOWN.{request.Stream}", ManagerOf(request.Account), limit.Token),
                "Trace" when request.Subject is { } subject && SubjectText.IsValid(subject) && subject.AsSpan().IndexOfAny('*', '>') < 0 =>
                    await TraceAsync(request, subject, limit.Token),
                "Trace" => new CommandResponse(false, "Write a subject without wildcards, as orders.new."),
                _ => await OfServerAsync(request),
            };
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new CommandResponse(false, $"No answer in {Patience.TotalSeconds:0} s.");
        }
        catch (Exception error) when (error is IOException or NatsRequestException or JsonException)
        {
            return new CommandResponse(false, error.Message);
        }
    }

    private async Task<CommandResponse> OfServerAsync(CommandRequest request)
    {
        if (!Enum.TryParse<ServerCommand>(request.Command, out var command) || !Enum.IsDefined(command)) return new CommandResponse(false, "There is no such command.");
        if (runner.Topology.Servers.FirstOrDefault(server => server.Name == request.Server) is not { } spec) return new CommandResponse(false, "There is no such server.");
        var (done, text) = await runner.CommandAsync(command, spec);
        return new CommandResponse(done, text);
    }

    private async Task<CommandResponse> StepDownAsync(CommandRequest request, string subject, string? user, CancellationToken cancellation)
    {
        await using var client = await ConnectAsync(request.Cluster, user, cancellation);
        var (code, description) = AssetProvisioner.ErrorIn(await client.RequestAsync(subject, "", cancellation));
        if (code != 0) return new CommandResponse(false, description);
        var what = request.Stream is null ? "The meta leader" : $"The leader of {request.Stream}";
        log.Notice($"{what} was asked to step down.");
        return new CommandResponse(true, $"{what} steps down.");
    }

    /// <summary>Sends a message that is traced and not delivered (ADR-41), and tells what each server would have done with it.</summary>
    private async Task<CommandResponse> TraceAsync(CommandRequest request, string subject, CancellationToken cancellation)
    {
        var inbox = "_INBOX." + Guid.NewGuid().ToString("N");
        await using var client = await ConnectAsync(request.Cluster, ManagerOf(request.Account), cancellation);
        var replies = await client.PublishAndListenAsync(subject, [("Nats-Trace-Dest", inbox), ("Nats-Trace-Only", "true")], "", inbox, Quiet, cancellation);
        var hops = replies.SelectMany(reply => TraceEvents.Read(reply.Payload)).ToList();
        return new CommandResponse(hops.Count > 0, hops.Count > 0 ? $"{subject} was seen by {hops.Select(hop => hop.Server).Distinct().Count()} servers; nobody got it." : "No server told of it.") { Hops = hops };
    }

    private async Task<NatsRequester> ConnectAsync(string? cluster, string? user, CancellationToken cancellation)
    {
        var status = runner.Status.FirstOrDefault(one => one.Phase == ServerPhase.Running && (cluster is null || one.Spec.Cluster.Name == cluster))
            ?? throw new NatsRequestException(cluster is null ? "No server runs." : $"No server of {cluster} runs.");
        return await NatsRequester.ConnectAsync(status.Spec, user, user is null ? null : runner.Passwords[user], cancellation);
    }

    private string? ManagerOf(string? account) =>
        account == "$SYS" ? TopologySecrets.SystemUser
        : runner.Topology.Spec.Accounts.FirstOrDefault(one => one.Name == account) is { } known ? TopologySecrets.ManagerOf(known) : null;

    private static bool IsName(string? text) => text is { Length: > 0 and < 256 } && !text.AsSpan().ContainsAny(" .*>\t\r\n");
}
