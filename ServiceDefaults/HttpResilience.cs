using System.Net;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace NatsAspire.ServiceDefaults;

/// <summary>
/// How HTTP clients bear with a service that fails for a moment: thirty seconds in all, ten an attempt, three
/// further attempts with growing, jittered pauses for methods that may be repeated, and a pause of five seconds for
/// everybody when a tenth of a busy half minute failed.
/// </summary>
public static class HttpResilience
{
    private static readonly HashSet<HttpMethod> Repeatable = [HttpMethod.Get, HttpMethod.Head, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Options, HttpMethod.Trace];

    /// <summary>Makes a pipeline; its circuit breaker is shared by all who use it.</summary>
    /// <param name="time">Clock of pauses and limits; null: the system's.</param>
    public static ResiliencePipeline<HttpResponseMessage> CreatePipeline(TimeProvider? time = null) =>
        new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
            .AddTimeout(TimeSpan.FromSeconds(30))
            .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = 3,
                Delay = TimeSpan.FromMilliseconds(500),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = retry => ValueTask.FromResult(IsPassing(retry.Outcome) && MayRepeat(retry.Context)),
                OnRetry = static retry =>
                {
                    retry.Outcome.Result?.Dispose();
                    return default;
                },
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<HttpResponseMessage>
            {
                FailureRatio = 0.1,
                MinimumThroughput = 100,
                SamplingDuration = TimeSpan.FromSeconds(30),
                BreakDuration = TimeSpan.FromSeconds(5),
                ShouldHandle = circuit => ValueTask.FromResult(IsPassing(circuit.Outcome)),
            })
            .AddTimeout(TimeSpan.FromSeconds(10))
            .Build();

    /// <summary>The request of a pipeline's execution.</summary>
    internal static readonly ResiliencePropertyKey<HttpRequestMessage> Request = new("request");

    /// <summary>Failures that may have passed a moment later.</summary>
    private static bool IsPassing(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Exception: HttpRequestException or TimeoutRejectedException } => true,
        { Result.StatusCode: HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError } => true,
        _ => false,
    };

    private static bool MayRepeat(ResilienceContext context) =>
        context.Properties.TryGetValue(Request, out var request) && Repeatable.Contains(request.Method);
}

/// <summary>Sends requests through a pipeline.</summary>
internal sealed class ResilienceHandler(ResiliencePipeline<HttpResponseMessage> pipeline) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(HttpResilience.Request, request);
        try
        {
            return await pipeline.ExecuteAsync(
                static async (running, self) => await self.Handler.SendOnceAsync(self.Request, running.CancellationToken).ConfigureAwait(false),
                context,
                (Handler: this, Request: request)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        base.SendAsync(request, cancellationToken);
}
