using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Service;

/// <summary>Required levels, gets without headers or by time, and what an API without a stream's knowledge must refuse.</summary>
public sealed class ApiSemanticsTests
{
    private static readonly TestHeaders TooHigh = TestHeaders.Of([("Nats-Required-Api-Level", "9223372036854775807")]);

    [Fact]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamApiErrorOnRequiredApiLevel")]
    public async Task EveryRequestMayRequireALevel()
    {
        await using var server = await StreamServer.StartAsync();
        foreach (var operation in new[]
        {
            "INFO", "STREAM.CREATE.S", "STREAM.UPDATE.S", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.S", "STREAM.DELETE.S", "STREAM.PURGE.S", "STREAM.SNAPSHOT.S",
            "STREAM.RESTORE.S", "STREAM.MSG.DELETE.S", "STREAM.MSG.GET.S", "CONSUMER.CREATE.S", "CONSUMER.CREATE.S.C", "CONSUMER.CREATE.S.C.x", "CONSUMER.DURABLE.CREATE.S.C",
            "CONSUMER.NAMES.S", "CONSUMER.LIST.S", "CONSUMER.INFO.S.C", "CONSUMER.DELETE.S.C", "CONSUMER.PAUSE.S.C", "CONSUMER.UNPIN.S.C",
        })
        {
            var answer = await server.Client.RequestAsync($"$JS.API.{operation}", "", TooHigh);
            answer.Text.ShouldContain("\"err_code\":10185", customMessage: operation);
        }
    }

    [Fact]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamApiErrorOnRequiredApiLevelDirectGet")]
    [Upstream("jetstream_versioning_test.go", "TestJetStreamApiErrorOnRequiredApiLevelPullConsumerNextMsg")]
    public async Task GetsAndPullsMayRequireALevel()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"allow_direct":true}""");
        await server.AskAsync("CONSUMER.CREATE.TEST.C", """{"stream_name":"TEST","config":{"durable_name":"C","name":"C","ack_policy":"explicit"}}""");
        foreach (var operation in new[] { "DIRECT.GET.TEST", "DIRECT.GET.TEST.foo", "CONSUMER.MSG.NEXT.TEST.C" })
        {
            (await server.Client.RequestAsync($"$JS.API.{operation}", "", TooHigh)).Headers!.Status.ShouldBe("412 Required Api Level", operation);
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamGetNoHeaders")]
    public async Task HeadersMayStayAway()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo"],"allow_direct":true}""");
        await server.PublishAsync("foo", "12345", ("test", "something"));
        foreach (var none in new[] { false, true })
        {
            var stored = (await server.AskAsync("STREAM.MSG.GET.TEST", $$"""{"seq":1,"no_hdr":{{(none ? "true" : "false")}}}""")).GetProperty("message");
            stored.TryGetProperty("hdrs", out _).ShouldBe(!none);
            stored.GetProperty("data").GetBytesFromBase64().ShouldBe("12345"u8.ToArray());
            foreach (var subject in new[] { "", ".foo" })
            {
                var message = await server.Client.RequestAsync($"$JS.API.DIRECT.GET.TEST{subject}", $$"""{{{(subject.Length == 0 ? "\"seq\":1," : "")}}"no_hdr":{{(none ? "true" : "false")}}}""");
                message.Text.ShouldBe("12345");
                foreach (var name in new[] { "test", "Nats-Stream", "Nats-Sequence", "Nats-Time-Stamp" }) (message.Headers?[name] is null).ShouldBe(none, name + subject);
            }
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamMsgDirectGetAsOfTime")]
    public async Task ADirectGetFindsByTime()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["foo.*"],"allow_direct":true}""");
        var before = Now();
        await ExpectAsync($$"""{"start_time":"{{before}}","last_by_subj":"foo.1"}""", "408 Bad Request");
        await ExpectAsync($$"""{"start_time":"{{before}}","seq":1}""", "408 Bad Request");
        await ExpectAsync($$"""{"start_time":"{{before}}"}""", "404 Message Not Found");
        await server.PublishAsync("foo.1", "one");
        var between = Now();
        await server.PublishAsync("foo.2", "two");
        await ExpectAsync($$"""{"start_time":"{{before}}"}""", "one");
        await ExpectAsync($$"""{"start_time":"{{before}}","next_by_subj":"foo.2"}""", "two");
        await ExpectAsync($$"""{"start_time":"{{between}}"}""", "two");
        await ExpectAsync($$"""{"start_time":"{{Now()}}"}""", "404 Message Not Found");

        static string Now() => TimeProvider.System.GetUtcNow().ToString("O");

        async Task ExpectAsync(string request, string expected)
        {
            var message = await server.Client.RequestAsync("$JS.API.DIRECT.GET.TEST", request);
            (message.Payload.Length > 0 ? message.Text : message.Headers!.Status).ShouldBe(expected, request);
        }
    }

    [Theory]
    [InlineData("file")]
    [InlineData("memory")]
    [Upstream("jetstream_test.go", "TestJetStreamDirectGetSubjectDeleteMarker")]
    public async Task ADirectGetFindsTheMarker(string storage)
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync($$"""{"name":"TEST","subjects":["test"],"storage":"{{storage}}","subject_delete_marker_ttl":60000000000,"allow_msg_ttl":true,"allow_direct":true,"max_msgs_per_subject":1}""");
        await server.PublishAsync("test", "", ("Nats-TTL", "1s"));
        (await LastAsync()).ShouldBe("1");
        await Wait.Until("the marker is there", async () => await LastAsync() == "2");

        async Task<string?> LastAsync() => (await server.Client.RequestAsync("$JS.API.DIRECT.GET.TEST.test")).Headers?["Nats-Sequence"];
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamPersistModeAsync")]
    [Upstream("jetstream_batching_test.go", "TestJetStreamAtomicBatchPublishPersistModeAsync")]
    public async Task AStreamMayBeStoredLater()
    {
        await using var server = await StreamServer.StartAsync();
        const string stream = "\"name\":\"TEST\",\"subjects\":[\"foo\"]";
        (await ErrorAsync("CREATE", $"{{{stream},\"persist_mode\":\"async\",\"storage\":\"memory\"}}")).ShouldBe("async persist mode is only supported on file storage");
        (await ErrorAsync("CREATE", $"{{{stream},\"persist_mode\":\"async\",\"allow_atomic\":true}}")).ShouldBe("async persist mode is not supported with atomic batch publish");
        (await server.CreateAsync($"{{{stream},\"persist_mode\":\"async\"}}")).GetProperty("config").GetProperty("persist_mode").GetString().ShouldBe("async");
        (await server.PublishAsync("foo")).GetProperty("seq").GetInt32().ShouldBe(1);
        (await ErrorAsync("UPDATE", $"{{{stream}}}")).ShouldBe("stream configuration update can not change persist mode");

        async Task<string?> ErrorAsync(string what, string request) =>
            (await server.AskAsync($"STREAM.{what}.TEST", request)).GetProperty("error").GetProperty("description").GetString();
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamStreamInfoSubjectsDetailsAfterRestart")]
    public async Task SubjectsAreCountedAfterARestart()
    {
        await using var server = await StreamServer.StartAsync();
        await server.CreateAsync("""{"name":"TEST","subjects":["*"]}""");
        foreach (var subject in new[] { "foo", "foo", "bar", "baz", "baz" }) await server.PublishAsync(subject, "ok");
        for (var round = 0; round < 2; round++)
        {
            (await server.StateAsync("TEST", """{"subjects_filter":">"}""")).GetProperty("num_subjects").GetInt32().ShouldBe(3);
            await server.RestartAsync();
        }
    }

    [Fact]
    [Upstream("jetstream_test.go", "TestJetStreamConfigReloadWithGlobalAccount")]
    public async Task TheGlobalAccountKeepsItsStreamsOverAReload()
    {
        const string users = "authorization { users [ {user: anonymous}, {user: user1, password: %} ] }\nno_auth_user: anonymous";
        await using var server = await StreamServer.StartAsync(more: users.Replace("%", "pwd", StringComparison.Ordinal));
        await server.CreateAsync("""{"name":"foo"}""");
        await server.PublishManyAsync("foo", 10);
        var changed = TestServer.Parse("jetstream {}\n" + users.Replace("%", "pwd2", StringComparison.Ordinal)) with { StoreDirectory = server.Folder };
        await server.Server.ReloadAsync(changed);
        await using var client = await TestClient.ConnectAsync(server.Server.ClientEndPoint!);
        (await client.RequestAsync("$JS.API.STREAM.CREATE.bar", """{"name":"bar"}""")).Text.ShouldNotContain("error");
        (await client.RequestAsync("$JS.API.INFO")).Text.ShouldContain("\"streams\":2");
        (await client.RequestAsync("$JS.API.STREAM.INFO.foo")).Text.ShouldContain("\"messages\":10");
    }
}
