using NatsAspire.Server.JetStream.Api.Responses;
using NatsAspire.Server.JetStream.Runtime;
using NatsAspire.Server.JetStream.Runtime.Consumers;

namespace NatsAspire.Server.JetStream.Service;

/// <summary>
/// Asks streams how their consumers stand: all streams at once, of each a few consumers in a turn, so that no message
/// waits for the rest. What has not come when time is up is left out.
/// </summary>
internal sealed class ConsumerSurvey
{
    /// <summary>Consumers of one turn.</summary>
    private const int Share = 32;

    private readonly Func<StreamHost, ConsumerHost, ConsumerInfo> _describe;
    private readonly Dictionary<StreamHost, List<ConsumerInfo>> _found = [];
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _left = 1;
    private bool _isOver;

    private ConsumerSurvey(Func<StreamHost, ConsumerHost, ConsumerInfo> describe) => _describe = describe;

    /// <summary>Asks, and waits for the answers.</summary>
    /// <param name="streams">Whose consumers.</param>
    /// <param name="limit">How long at most.</param>
    /// <param name="describe">Tells of a consumer, in its stream's mailbox.</param>
    public static ConsumerSurvey Make(IEnumerable<StreamHost> streams, TimeSpan limit, Func<StreamHost, ConsumerHost, ConsumerInfo> describe)
    {
        var survey = new ConsumerSurvey(describe);
        var asked = new List<(StreamHost Stream, ConsumerHost[] Consumers)>();
        foreach (var stream in streams)
        {
            var consumers = stream.Consumers.Snapshot();
            if (consumers.Length > 0 && survey._found.TryAdd(stream, new List<ConsumerInfo>(consumers.Length))) asked.Add((stream, consumers));
        }
        survey._left += asked.Count;
        foreach (var (stream, consumers) in asked) survey.Ask(stream, consumers, 0);
        survey.Done();
        survey._all.Task.Wait(limit);
        lock (survey._found) survey._isOver = true;
        return survey;
    }

    /// <summary>What a stream has told of its consumers, by name.</summary>
    public IReadOnlyList<ConsumerInfo> Of(StreamHost stream) => _found.TryGetValue(stream, out var found) ? found : [];

    private void Ask(StreamHost stream, ConsumerHost[] consumers, int from)
    {
        if (from >= consumers.Length || !stream.TryPost(() => Answer(stream, consumers, from))) Done();
    }

    private void Answer(StreamHost stream, ConsumerHost[] consumers, int from)
    {
        var next = consumers.Length;
        try
        {
            if (stream.IsStopping) return;
            var infos = new List<ConsumerInfo>(Share);
            var until = Math.Min(from + Share, consumers.Length);
            for (var i = from; i < until; i++)
            {
                if (!consumers[i].IsOver) infos.Add(_describe(stream, consumers[i]));
            }
            lock (_found)
            {
                if (_isOver) return;
                _found[stream].AddRange(infos);
            }
            next = until;
        }
        finally
        {
            Ask(stream, consumers, next);
        }
    }

    private void Done()
    {
        if (Interlocked.Decrement(ref _left) == 0) _all.TrySetResult();
    }
}
