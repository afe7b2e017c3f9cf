using System.Text.Json;
using NatsAspire.Hosting;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Hosting;

/// <summary>Topologies in JSON, and the schema that editors know them by.</summary>
public sealed class TopologyFileTests
{
    /// <summary>Says something of everything.</summary>
    internal const string Everything = """
        {
          "$schema": "topology.schema.json",
          "clusters": [
            { "name": "west", "servers": 3, "jetStream": { "maxFile": "2Gi", "maxMemory": "64Mi" }, "tags": ["region:west", "ssd"], "gateways": ["east"] },
            { "name": "east", "servers": 2, "jetStream": {} }, // a comment
          ],
          "leafNodes": [ { "name": "edge", "hub": "west", "account": "SHOP", "jetStream": { "domain": "edge" } } ],
          "accounts": [
            { "name": "SHOP", "users": [ { "name": "shop", "password": "s3cr3t \"quoted\" $x\\" }, { "name": "reader", "subscribe": ["orders.>"], "publish": ["_INBOX.>"] } ] },
            { "name": "PLAIN", "jetStream": false, "users": [ { "name": "plain" } ] }
          ],
          "streams": [ { "name": "ORDERS", "in": "west", "account": "SHOP", "subjects": ["orders.>"], "replicas": 3, "maxAge": "7.00:00:00", "maxBytes": "1Gi", "maxMessages": 1000, "retention": "interest", "tags": ["ssd"] } ],
          "keyValues": [ { "name": "settings", "in": "east", "account": "SHOP", "replicas": 2, "history": 5, "storage": "memory" } ],
          "objectStores": [ { "name": "files", "in": "edge", "account": "SHOP" } ]
        }
        """;

    [Fact]
    public void EverythingIsReadAndWritten()
    {
        var spec = TopologyFile.Parse(Everything);
        NatsTopology.Build(spec).Servers.Count.ShouldBe(6);
        spec.Streams[0].MaxAge.ShouldBe(TimeSpan.FromDays(7));
        spec.Streams[0].Storage.ShouldBe("file");
        var again = TopologyFile.Write(TopologyFile.Parse(TopologyFile.Write(spec)));
        again.ShouldBe(TopologyFile.Write(spec));
    }

    [Theory]
    [InlineData("""{"clusters":[{"name":"a","servrs":3}]}""", "clusters[0].servrs: unknown key. Do you mean \"servers\"?")]
    [InlineData("""{"clusters":{"name":"a"}}""", "clusters: is an object, not a list.")]
    [InlineData("""{"clusters":[{"name":5}]}""", "clusters[0].name: is 5; write a text in quotes.")]
    [InlineData("""{"clusters":[{"name":"a","servers":"3"}]}""", "clusters[0].servers: is \"3\"; write a whole number.")]
    [InlineData("""{"clusters":[{"name":"a","servers":99999999999}]}""", "clusters[0].servers: is 99999999999; write a whole number.")]
    [InlineData("""{"clusters":[{"name":null}]}""", "clusters[0].name: is null; write a text in quotes.")]
    [InlineData("""{"clusters":[{"name":"a","tags":null}]}""", "clusters[0].tags: is null, not a list.")]
    [InlineData("""{"clusters":[{"name":"a","jetStream":true}]}""", "clusters[0].jetStream: is true, not an object. Write { … } with maxMemory, maxFile, domain.")]
    [InlineData("""{"streams":[{"maxAge":"a day"}]}""", "streams[0].maxAge: is \"a day\"; write a time as \"24:00:00\"")]
    [InlineData("""[1]""", "the topology: is a list, not an object.")]
    [InlineData("{\n  \"clusters\": [}", "line 2, column")]
    [InlineData("", "is not as JSON has it")]
    public void WhatIsNotKnownIsNamedWithItsPlace(string json, string message) =>
        Should.Throw<TopologyException>(() => TopologyFile.Parse(json)).Message.ShouldContain(message);

    [Fact]
    public void AFileThatIsNotThereIsSaidWithWhatThereIs() =>
        Should.Throw<TopologyException>(() => TopologyFile.Read("/nope/topology.json")).Message.ShouldBe("There is no topology \"/nope/topology.json\": name a file, or one of cluster, supercluster, leaf.");

    [Fact]
    public void CertificatesAreLookedForBesideTheFile()
    {
        var folder = Directory.CreateTempSubdirectory("natsaspire-topology-").FullName;
        try
        {
            var file = Path.Combine(folder, "t.json");
            File.WriteAllText(file, """{"clusters":[{"name":"a","tls":{"certFile":"c.pem","keyFile":"k.pem"}}]}""");
            var spec = TopologyFile.Read(file);
            spec.Clusters[0].Tls!.CertFile.ShouldBe(Path.Combine(folder, "c.pem"));
            Should.Throw<TopologyException>(() => NatsTopology.Build(spec)).Message.ShouldContain("clusters[0].tls.keyFile: there is no file");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void TheSchemaAgreesWithTheReader()
    {
        JsonSchema.ShouldMatch(Document(Everything), Schema, "everything");
        foreach (var name in BuiltInTopologies.Names) JsonSchema.ShouldMatch(Document(TopologyFile.Write(BuiltInTopologies.Find(name, 3, 4222)!)), Schema, name);
        // Every key of the schema is one that the reader knows, and the other way round.
        var known = Should.Throw<TopologyException>(() => TopologyFile.Parse("""{"clusters":[{"?":1}],"leafNodes":[{"?":1}],"accounts":[{"?":1,"users":[{"?":1}]}],"streams":[{"?":1}],"keyValues":[{"?":1}],"objectStores":[{"?":1}],"?":1}""")).Message;
        foreach (var line in known.Split('\n').Skip(1))
        {
            var place = line.Split(':')[0].Trim().Replace(".?", "").Replace("?", "");
            var at = Schema;
            foreach (var step in place.Split('.', StringSplitOptions.RemoveEmptyEntries)) at = at.GetProperty("properties").GetProperty(step.Replace("[0]", "")).GetProperty("items");
            var keys = line[(line.IndexOf("Known here: ", StringComparison.Ordinal) + "Known here: ".Length)..].TrimEnd('.').Split(", ");
            at.GetProperty("properties").EnumerateObject().Select(property => property.Name).ShouldBe(keys, ignoreOrder: true, place);
        }
    }

    private static JsonElement Schema { get; } = Document(File.ReadAllText(Path.Combine(Peers.RepositoryRoot, "Hosting", "Topology", "topology.schema.json")));

    private static JsonElement Document(string json) => JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }).RootElement;
}
