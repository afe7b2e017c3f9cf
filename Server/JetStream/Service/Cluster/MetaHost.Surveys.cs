using System.Text;
using NatsAspire.Server.Primitives;
using NatsAspire.Server.Protocol;
using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.JetStream.Service.Cluster;

/// <summary>
/// What the leaders of streams and consumers say of them: <c>$JSC.SI.ACCOUNT.STREAM</c>, <c>$JSC.CI.ACCOUNT.STREAM.CONSUMER</c>.
/// </summary>
internal sealed partial class MetaHost
{
    private static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ListPatience = TimeSpan.FromSeconds(4);

    /// <summary>Surveys under way at once: each is a request of the API, of which no more may wait.</summary>
    private const int MaxSurveys = 10_000;

    private readonly Dictionary<string, OpenSurvey> _surveys = new(StringComparer.Ordinal);

    /// <summary>Questions under way.</summary>
    private sealed class OpenSurvey(int missing, Action<List<byte[]>> goOn)
    {
        public List<byte[]> Answers { get; } = [];

        public int Missing { get; set; } = missing;

        public Action<List<byte[]>> GoOn => goOn;

        public Subscription? Inbox { get; set; }

        public ITimer? Patience { get; set; }
    }

    private void ListenToSurveys()
    {
        Listen("$JSC.SI.>", (in Message message) => AnswerSurvey(message, "$JSC.SI.".Length));
        Listen("$JSC.CI.>", (in Message message) => AnswerSurvey(message, "$JSC.CI.".Length));
    }

    /// <summary>Asks leaders, and goes on in the mailbox with what came.</summary>
    private void Survey(IReadOnlyCollection<string> subjects, TimeSpan patience, Action<List<byte[]>> goOn)
    {
        if (subjects.Count == 0 || _surveys.Count >= MaxSurveys)
        {
            _service.Run(() => goOn([]));
            return;
        }
        var inbox = $"$JSC.R.{NodeHash.Of(UniqueId.Next())}";
        var survey = new OpenSurvey(subjects.Count, goOn);
        _surveys.Add(inbox, survey);
        survey.Inbox = new Subscription(new ClusterEar((in Message message) =>
        {
            var answer = message.Payload.ToArray();
            _ = _service.TryRun(() => TakeAnswer(inbox, answer));
        }), Encoding.UTF8.GetBytes(inbox));
        System.Subscribe(survey.Inbox);
        survey.Patience = _service.Settings.Time.CreateTimer(_ => _service.Run(() => EndSurvey(inbox)), null, patience, Timeout.InfiniteTimeSpan);
        foreach (var subject in subjects) System.PublishInternal(Encoding.UTF8.GetBytes(subject), survey.Inbox.Subject, default, null);
    }

    private void TakeAnswer(string inbox, byte[] answer)
    {
        if (!_surveys.TryGetValue(inbox, out var survey)) return;
        survey.Answers.Add(answer);
        if (--survey.Missing == 0) EndSurvey(inbox);
    }

    private void EndSurvey(string inbox)
    {
        if (!_surveys.Remove(inbox, out var survey)) return;
        survey.Patience?.Dispose();
        System.Unsubscribe(survey.Inbox!);
        survey.GoOn(survey.Answers);
    }

    private void AnswerSurvey(in Message message, int prefix)
    {
        if (message.Reply.IsEmpty) return;
        var names = Encoding.UTF8.GetString(message.Subject[prefix..]).Split('.');
        var reply = message.Reply.ToArray();
        if (names.Length is < 2 or > 3 || _engine.Accounts.GetValueOrDefault(names[0])?.Find(names[1]) is not { } stream) return;
        // Who leads answers.
        if (names.Length == 2 ? !stream.Leads : !stream.Consumers.Serves(Encoding.UTF8.GetBytes(names[2]))) return;
        // Above the limit of requests it is as if it had been lost.
        _ = stream.TryPost(() =>
        {
            var answer = names.Length == 2 ? _service.DescribeStream(stream) : _service.DescribeConsumer(stream, names[2]);
            if (answer is not null) System.PublishInternal(reply, default, answer, null);
        });
    }
}
