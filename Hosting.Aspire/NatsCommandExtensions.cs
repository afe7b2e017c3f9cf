using Aspire.Hosting.ApplicationModel;
using NatsAspire.Hosting;

namespace Aspire.Hosting;

/// <summary>Buttons of the dashboard. Start, stop and restart are Aspire's own.</summary>
internal static class NatsCommandExtensions
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);

    public static IResourceBuilder<ProjectResource> WithServerCommands(this IResourceBuilder<ProjectResource> server, NatsClusterResource cluster) => server
        .WithSignal(cluster, ServerCommand.Reload, "Reload", "ArrowSync", "Read the configuration again? Clients stay connected.")
        .WithSignal(cluster, ServerCommand.LameDuck, "Lame duck", "ArrowExit", "Send clients elsewhere, then end?")
        .WithSignal(cluster, ServerCommand.Kill, "Kill", "Flash", "End at once, as by a crash? Start begins it again.");

    public static IResourceBuilder<NatsClusterResource> WithClusterCommands(this IResourceBuilder<NatsClusterResource> cluster) => cluster.WithCommand(
        "step-down-meta", "Step down meta leader",
        context => StepDownAsync(cluster.Resource, "$JS.API.META.LEADER.STEPDOWN", TopologySecrets.SystemUser, context.CancellationToken),
        Options("CrownSubtract", "Let another server lead the meta group?"));

    public static IResourceBuilder<NatsAssetResource> WithStepDown(this IResourceBuilder<NatsAssetResource> asset, string stream) => asset.WithCommand(
        "step-down-stream", "Step down leader",
        context =>
        {
            var (cluster, account) = (asset.Resource.Parent, asset.Resource.Spec.Account);
            var user = cluster.Application.Accounts.Find(one => one.Name == account) is { } known ? TopologySecrets.ManagerOf(known) : null;
            return StepDownAsync(cluster, $"$JS.API.STREAM.LEADER.STEPDOWN.{stream}", user, context.CancellationToken);
        },
        Options("CrownSubtract", "Let another replica lead?"));

    private static IResourceBuilder<ProjectResource> WithSignal(
        this IResourceBuilder<ProjectResource> server, NatsClusterResource cluster, ServerCommand command, string title, string icon, string question) =>
        server.WithCommand(
            command.ToString().ToLowerInvariant(), title,
            _ =>
            {
                var (done, text) = ServerSignals.Send(cluster.Application.PidFile(server.Resource.Name), command);
                return Task.FromResult(done ? CommandResults.Success() : CommandResults.Failure(text));
            },
            Options(icon, question));

    private static CommandOptions Options(string icon, string question) => new()
    {
        IconName = icon,
        ConfirmationMessage = question,
        UpdateState = context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
    };

    private static async Task<ExecuteCommandResult> StepDownAsync(NatsClusterResource cluster, string subject, string? user, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        var application = cluster.Application;
        foreach (var server in application.Topology[cluster.Name].Servers)
        {
            try
            {
                await using var client = await NatsRequester.ConnectAsync(server, user, user is null ? null : application.Passwords[user], limit.Token);
                return AssetProvisioner.RefusalIn(await client.RequestAsync(subject, "", limit.Token)) is { } refusal ? CommandResults.Failure(refusal) : CommandResults.Success();
            }
            catch (IOException)
            {
                // The next server may be there.
            }
            catch (Exception error) when (error is NatsRequestException or OperationCanceledException)
            {
                return CommandResults.Failure(error.Message);
            }
        }
        return CommandResults.Failure($"No server of {cluster.Name} answers.");
    }
}
