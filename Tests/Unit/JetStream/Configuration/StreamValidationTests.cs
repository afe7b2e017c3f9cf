using NatsAspire.Server.JetStream.Api;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Primitives;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Configuration;

public sealed class StreamValidationTests
{
    private const long Second = 1_000_000_000;
    private readonly Dictionary<string, StreamConfiguration> _streams = [];

    [Theory]
    [InlineData("foo.bar.")]
    [InlineData("..")]
    [InlineData(".*")]
    [InlineData(".>")]
    [InlineData(" x")]
    [InlineData("y ")]
    [Upstream("jetstream_test.go", "TestJetStreamAddStreamBadSubjects")]
    public void SubjectsMustBeValid(string subject) => Refused(new StreamConfiguration { Name = "S", Subjects = [subject] }).ShouldBe("invalid subject");

    [Theory]
    [InlineData("$JS.API.foo", false)]
    [InlineData("$JS.API.>", false)]
    [InlineData("$JS.API.*", false)]
    [InlineData("$JS.>", false)]
    [InlineData("$SYS.>", false)]
    [InlineData("*.>", false)]
    [InlineData(">", false)]
    [InlineData("$JSC.x", false)]
    [InlineData("$NRG.x", false)]
    [InlineData("$JS.EVENT.>", true)]
    [InlineData("$SYS.ACCOUNT.>", true)]
    [Upstream("jetstream_test.go", "TestJetStreamAddStreamOverlapWithJSAPISubjects")]
    public void ApiSubjectsNeedNoAck(string subject, bool isGood)
    {
        (Check(new StreamConfiguration { Name = "S", Subjects = [subject] }, out _) is null).ShouldBe(isGood);
        Check(new StreamConfiguration { Name = "S", Subjects = [subject], NoAck = true }, out _).ShouldBeNull();
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("\t")]
    [InlineData("\r")]
    [InlineData("\n")]
    [InlineData("\f")]
    [InlineData(".")]
    [InlineData("*")]
    [InlineData(">")]
    [InlineData("\\")]
    [InlineData("/")]
    [InlineData("")]
    public void NamesMustBeValid(string name) => Refused(new StreamConfiguration { Name = name }).ShouldContain("can not contain");

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamSubjectsOverlap")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamUpdateSubjectsOverlapOthers")]
    [Upstream("jetstream_test.go", "TestJetStreamAddStreamOverlappingSubjects")]
    public void SubjectsMayNotOverlap()
    {
        Refused(new StreamConfiguration { Name = "S", Subjects = ["foo.*", "foo.A"] }).ShouldBe("subject \"foo.*\" overlaps with \"foo.A\"");
        Refused(new StreamConfiguration { Name = "S", Subjects = ["x", "foo.bar.*", "y", "foo.*.bar"] }).ShouldBe("subject \"foo.bar.*\" overlaps with \"foo.*.bar\"");
        Add(new StreamConfiguration { Name = "S", Subjects = ["foo.*"] });
        Add(new StreamConfiguration { Name = "T", Subjects = ["bar.*"] });
        Create(new StreamConfiguration { Name = "U", Subjects = ["foo.B"] }).Error.ShouldBe(JetStreamErrors.JSStreamSubjectOverlapErr);
        Update(new StreamConfiguration { Name = "T", Subjects = ["foo.C"] }).Error.ShouldBe(JetStreamErrors.JSStreamSubjectOverlapErr);
        Update(new StreamConfiguration { Name = "T", Subjects = ["bar.x"] }).Error.ShouldBeNull();
    }

    /// <summary>What a tree of tokens says is what comparing each with each says.</summary>
    [Fact]
    public void OverlapsAreFoundAsByPairs()
    {
        var random = new Random(7);
        string[] tokens = ["a", "b", "c", "*", "*", ">"];
        for (var round = 0; round < 3000; round++)
        {
            var subjects = Enumerable.Range(0, random.Next(1, 6)).Select(_ => Subject()).ToArray();
            var pairs = from i in Enumerable.Range(0, subjects.Length) from j in Enumerable.Range(i + 1, subjects.Length - i - 1) where SubjectOverlaps.Collide(subjects[i], subjects[j]) select (subjects[i], subjects[j]);
            SubjectOverlaps.FirstPair(subjects).ShouldBe(pairs.Select(pair => ((string, string)?)pair).FirstOrDefault(), string.Join(' ', subjects));
        }

        string Subject()
        {
            var parts = Enumerable.Range(0, random.Next(1, 5)).Select(_ => tokens[random.Next(tokens.Length)]).ToList();
            var full = parts.IndexOf(">");
            return string.Join('.', full < 0 ? parts : parts.Take(full + 1));
        }
    }

    [Fact]
    public void ManySubjectsAreCheckedSoon()
    {
        var subjects = Enumerable.Range(0, 100_000).Select(number => $"orders.{number}.*").ToArray();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Check(new StreamConfiguration { Name = "S", Subjects = ValueList.Create<string>(subjects) }, out _).ShouldBeNull();
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        SubjectOverlaps.FirstPair([.. subjects, "orders.5.x"]).ShouldBe(("orders.5.*", "orders.5.x"));
    }

    [Fact]
    public void DiamondsOfSourcesEnd()
    {
        for (var layer = 0; layer < 60; layer++)
        {
            foreach (var side in new[] { "L", "R" })
            {
                Add(new StreamConfiguration { Name = side + layer, Subjects = [$"{side}{layer}"], Sources = layer == 0 ? [] : [new StreamSource { Name = $"L{layer - 1}" }, new StreamSource { Name = $"R{layer - 1}" }] });
            }
        }
        Create(new StreamConfiguration { Name = "TOP", Sources = [new StreamSource { Name = "L59" }, new StreamSource { Name = "R59" }] }).Error.ShouldBeNull();
        Create(new StreamConfiguration { Name = "L0X", Mirror = new StreamSource { Name = "L0X" } }).Error!.Description.ShouldBe("detected cycle");
    }

    [Theory]
    [InlineData("foo.>", "foo.>")]
    [InlineData("bar.bar", "foo.bar")]
    [InlineData("baz", "bar.bar")]
    [Upstream("jetstream_test.go", "TestJetStreamStreamRepublishCycle")]
    public void RepublishMayNotComeBack(string source, string destination) =>
        Refused(new StreamConfiguration { Name = "S", Subjects = ["foo.>", "bar.*", "baz"], Republish = new RepublishConfiguration { Source = source, Destination = destination } })
            .ShouldBe("stream configuration for republish destination forms a cycle");

    [Fact]
    public void RepublishOfAllFollowsTheTransform()
    {
        var stream = new StreamConfiguration { Name = "S", Subjects = ["foo.>"], SubjectTransform = new SubjectTransformConfiguration { Source = "foo.>", Destination = "bar.>" }, Republish = new RepublishConfiguration { Destination = ">" } };
        Check(stream, out var checkedStream).ShouldBeNull();
        checkedStream.Republish.ShouldBe(new RepublishConfiguration { Source = "bar.>", Destination = "bar.>" });
        Check(stream, out _, pedantic: true)!.Description.ShouldBe("pedantic mode: republish source can not be empty");
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamTransformOverlap")]
    public void FiltersOfMirrorsMayNotOverlap() =>
        Check(new StreamConfiguration { Name = "M", Mirror = new StreamSource { Name = "S", SubjectTransforms = [new SubjectTransformConfiguration { Source = "foo.*.bar", Destination = "baz" }, new SubjectTransformConfiguration { Source = "foo.bar.*", Destination = "baz" }] } }, out _)
            .ShouldBe(JetStreamErrors.JSMirrorOverlappingSubjectFilters);

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamCreatePedanticMode")]
    public void PedanticRefusesWhatWouldBeCorrected()
    {
        var minute = 60 * Second;
        Check(new StreamConfiguration { Name = "S", MaxAge = minute, DuplicateWindow = 60 * minute }, out _, pedantic: true).ShouldNotBeNull();
        Check(new StreamConfiguration { Name = "S", MaxAge = 3600 * minute, DuplicateWindow = 60 * minute }, out _, window: minute)!.Description.ShouldBe("duplicates window can not be larger then server limit of 1m0s");
        Check(new StreamConfiguration { Name = "S", MaxAge = 3600 * minute, DuplicateWindow = 30 * Second }, out _, window: minute).ShouldBeNull();
        Check(new StreamConfiguration { Name = "S" }, out var limited, window: minute).ShouldBeNull();
        limited.DuplicateWindow.ShouldBe(minute);
        Check(new StreamConfiguration { Name = "S" }, out _, pedantic: true, window: minute)!.Description.ShouldBe("pedantic mode: duplicate window limits are higher than current limits");
    }

    [Theory]
    [InlineData("max_msgs")]
    [InlineData("max_msgs_per_subject")]
    [InlineData("max_bytes")]
    [InlineData("max_msg_size")]
    [InlineData("max_consumers")]
    public void LimitsBelowNoneAreNone(string field)
    {
        var json = System.Text.Encoding.UTF8.GetBytes($"{{\"name\":\"S\",\"{field}\":-10}}");
        ApiRequest.Read(json, strict: true, out StreamConfigurationRequest request).ShouldBeNull();
        Check(request.Stream, out var stream).ShouldBeNull();
        Golden.ParseText(System.Text.Encoding.UTF8.GetString(JetStreamJson.Write(stream))).GetProperty(field).GetInt64().ShouldBe(-1);
        Check(request.Stream, out _, pedantic: true)!.Description.ShouldBe($"pedantic mode: {field} must be set to -1");
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamScheduledMessageIncompatibleSettings")]
    public void SchedulesNeedRollups()
    {
        Refused(new StreamConfiguration { Name = "S", AllowMessageSchedules = true, Discard = DiscardPolicy.New }).ShouldBe("message scheduling cannot use discard new");
        Check(new StreamConfiguration { Name = "S", AllowMessageSchedules = true }, out _, pedantic: true)!.Description.ShouldBe("message scheduling cannot be set if roll-ups are disabled");
        Check(new StreamConfiguration { Name = "S", AllowMessageSchedules = true, DenyPurge = true }, out var stream).ShouldBeNull();
        (stream.AllowRollup, stream.DenyPurge).ShouldBe((true, false));
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMessageTTLNotUpdatable")]
    public void SomeThingsAreForGood()
    {
        var stream = new StreamConfiguration { Name = "S", AllowMessageTtl = true, AllowMessageSchedules = true, PersistMode = PersistMode.Async, DenyDelete = true };
        Add(stream);
        Update(stream with { AllowMessageTtl = false }).Error!.Description.ShouldBe("message TTL status can not be disabled");
        Update(stream with { AllowMessageSchedules = false }).Error!.Description.ShouldBe("message schedules can not be disabled");
        Update(stream with { PersistMode = PersistMode.Default }).Error!.Description.ShouldBe("stream configuration update can not change persist mode");
        Update(stream with { DenyDelete = false }).Error!.Description.ShouldBe("stream configuration update can not cancel deny message deletes");
        Update(stream with { Name = "T" }).Error.ShouldBe(JetStreamErrors.JSStreamMismatchErr);
        Update(stream with { MaxMessages = 5 }).Stream!.MaxMessages.ShouldBe(5);
        StreamUpdate.ChangesConsumerLimits(stream, stream with { ConsumerLimits = new StreamConsumerLimits { MaxAckPending = 5 } }).ShouldBeTrue();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamAddStreamSameConfigOK")]
    public void TheSameStreamMayBeMadeAgain()
    {
        var stream = new StreamConfiguration { Name = "S", Subjects = ["a", "b"], Metadata = AssetMetadata.Create([KeyValuePair.Create("k", "v")]) };
        Add(stream);
        Create(stream with { Subjects = ["a", "b"] }).Existing.ShouldNotBeNull();
        Create(stream with { Subjects = ["b", "a"] }).Error.ShouldBe(JetStreamErrors.JSStreamNameExistErr);
    }

    [Fact]
    public void ReservationsCountReplicasAndOthers()
    {
        var limits = new AccountLimits { MaxStorage = 1000 };
        Add(new StreamConfiguration { Name = "A", MaxBytes = 600 });
        Create(new StreamConfiguration { Name = "B", MaxBytes = 401 }, limits).Error.ShouldBe(JetStreamErrors.JSStorageResourcesExceededErr);
        Create(new StreamConfiguration { Name = "B", MaxBytes = 400 }, limits).Error.ShouldBeNull();
        Create(new StreamConfiguration { Name = "B", MaxBytes = 200, Replicas = 3 }, limits, isClustered: true).Error.ShouldBe(JetStreamErrors.JSStorageResourcesExceededErr);
        Create(new StreamConfiguration { Name = "B", MaxBytes = long.MaxValue }, limits).Error.ShouldBe(JetStreamErrors.JSStorageResourcesExceededErr);
        Create(new StreamConfiguration { Name = "M", MaxBytes = 5000, Storage = StorageType.Memory }, limits).Error.ShouldBeNull();
        Update(new StreamConfiguration { Name = "A", MaxBytes = 1001 }, limits).Error.ShouldBe(JetStreamErrors.JSStorageResourcesExceededErr);
        Update(new StreamConfiguration { Name = "A", MaxBytes = 1000 }, limits).Error.ShouldBeNull();
    }

    private string Refused(StreamConfiguration stream) => Check(stream, out _).ShouldNotBeNull().Description;

    private ApiError? Check(StreamConfiguration stream, out StreamConfiguration checkedStream, bool pedantic = false, long window = 0) =>
        StreamValidation.Check(stream, new StreamEnvironment { Catalog = new Catalog(_streams), MaxDuplicateWindow = window }, pedantic, out checkedStream);

    private StreamDecision Create(StreamConfiguration stream, AccountLimits? limits = null, bool isClustered = false) =>
        StreamAdmission.Create(stream.Name, new StreamConfigurationRequest { Stream = stream }, Environment(limits, isClustered));

    private StreamDecision Update(StreamConfiguration stream, AccountLimits? limits = null) =>
        StreamAdmission.Update(_streams.ContainsKey(stream.Name) ? stream.Name : "S", new StreamConfigurationRequest { Stream = stream }, Environment(limits, false));

    private StreamEnvironment Environment(AccountLimits? limits, bool isClustered) =>
        new() { Catalog = new Catalog(_streams), Tiers = AccountTiers.For(limits ?? new AccountLimits()), IsClustered = isClustered };

    private void Add(StreamConfiguration stream)
    {
        var decision = Create(stream);
        decision.Error.ShouldBeNull();
        _streams[stream.Name] = decision.Stream!;
    }

    private sealed class Catalog(Dictionary<string, StreamConfiguration> streams) : IStreamCatalog
    {
        public IEnumerable<StreamConfiguration> Streams => streams.Values;

        public StreamConfiguration? Find(string name) => streams.GetValueOrDefault(name);
    }
}
