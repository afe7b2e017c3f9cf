using System.Text.Json;

namespace NatsAspire.Hosting;

/// <summary>What the console's buttons do.</summary>
/// <param name="runner">Whose servers.</param>
/// <param name="log">Told of what was done.</param>
internal sealed class ConsoleCommands(LocalRunner runner, IRunnerLog log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6), Quiet = TimeSpan.FromSeconds(2);

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
                "StepDownConsumer" when IsName(request.Stream) && IsName(request.Consumer) =>
                    await StepDownAsync(request, $"$JS.API.CONSUMER.LEADER.STEPDOWN.{request.Stream}.{request.Consumer}", ManagerOf(request.Account), limit.Token),
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
        var what = request.Consumer is { } consumer ? $"The leader of consumer {consumer}" : request.Stream is { } stream ? $"The leader of {stream}" : "The meta leader";
        log.Notice($"{what} was asked to step down.");
        return new CommandResponse(true, $"{what} steps down.");
    }

    /// <summary>Sends a message that is traced (ADR-41), and tells what each server did with it, or would have if it were delivered.</summary>
    private async Task<CommandResponse> TraceAsync(CommandRequest request, string subject, CancellationToken cancellation)
    {
        var inbox = "_INBOX." + Guid.NewGuid().ToString("N");
        List<(string Name, string Value)> headers = [("Nats-Trace-Dest", inbox)];
        if (!request.Deliver) headers.Add(("Nats-Trace-Only", "true"));
        await using var client = await ConnectAsync(request.Cluster, ManagerOf(request.Account), cancellation);
        var replies = await client.PublishAndListenAsync(
            subject, headers, request.Payload ?? "", inbox, Quiet, all => TraceEvents.IsComplete([.. all.Select(reply => reply.Payload)]), cancellation);
        var hops = TraceEvents.Read(replies.Select(reply => reply.Payload));
        if (hops.Count == 0) return new CommandResponse(false, "No server told of it. Servers do from 2.11 on.");
        if (request.Deliver) log.Notice($"A traced message was published to {subject}.");
        var servers = hops.Select(hop => hop.Server).Distinct(StringComparer.Ordinal).Count();
        var end = request.Deliver ? "it was delivered." : "nobody got it.";
        return new CommandResponse(true, $"{subject} passed {servers} {(servers == 1 ? "server" : "servers")}; {end}") { Hops = hops };
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
