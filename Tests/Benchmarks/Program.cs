using System.CommandLine;
using NatsAspire.Benchmarks;

var server = new Option<string>("--server") { Description = "Our nats-server.", DefaultValueFactory = _ => Path.GetFullPath("Server/bin/Release/net10.0/nats-server") };
var baseline = new Option<string>("--baseline") { Description = "The nats-server to compare with.", DefaultValueFactory = _ => "/usr/sbin/nats-server" };
var rounds = new Option<int>("--rounds") { Description = "Runs of each scenario; medians are printed.", DefaultValueFactory = _ => 3 };
var seconds = new Option<double>("--seconds") { Description = "Length of a run.", DefaultValueFactory = _ => 1.5 };
var filter = new Option<string>("--filter") { Description = "Only scenarios whose name contains this.", DefaultValueFactory = _ => "" };
var command = new RootCommand(
    """
    Compares two NATS servers under the same load, run by run in turn, on this machine.

    Example, from the repository's folder:
      dotnet build Server -c Release && dotnet run -c Release --project Tests/Benchmarks
    """)
{ server, baseline, rounds, seconds, filter };
var directory = new Option<string>("--directory") { Description = "On the disk to measure.", DefaultValueFactory = _ => Path.GetTempPath() };
var log = new Command("log", "Measures the write-ahead log on a disk.") { directory, seconds };
log.SetAction(parsed => new LogThroughput(parsed.GetValue(directory)!, parsed.GetValue(seconds)).Run());
command.Add(log);
command.SetAction(parsed => new Comparison(
    parsed.GetValue(server)!, parsed.GetValue(baseline)!, parsed.GetValue(rounds), parsed.GetValue(seconds), parsed.GetValue(filter)!).Run());
var messages = new Option<int>("--messages") { Description = "Messages stored.", DefaultValueFactory = _ => 1_000_000 };
var subjects = new Option<int>("--subjects") { Description = "Subjects they are on.", DefaultValueFactory = _ => 1_000 };
var stores = new Command("stores", "Measures the message stores on a disk.") { directory, messages, subjects };
stores.SetAction(parsed => new StoreThroughput(parsed.GetValue(directory)!, parsed.GetValue(messages), parsed.GetValue(subjects)).Run());
command.Add(stores);
var durable = new Option<bool>("--durable") { Description = "The other server waits for the disk before it acknowledges, as ours does (nats-server 2.10 and newer), but for the rows where both are lazy." };
var streams = new Command("jetstream", "Compares streams of two servers: publish with acknowledgements, direct get, recovery.") { server, baseline, rounds, seconds, filter, directory, durable };
streams.SetAction(parsed => new StreamComparison(
    parsed.GetValue(server)!, parsed.GetValue(baseline)!, parsed.GetValue(rounds), parsed.GetValue(seconds), parsed.GetValue(filter)!, parsed.GetValue(directory)!, parsed.GetValue(durable)).Run());
command.Add(streams);
var footprint = new Command("footprint", "Compares what streams and consumers of two servers cost at rest, and their restart.") { server, baseline, filter, directory };
footprint.SetAction(parsed => new Footprint(parsed.GetValue(server)!, parsed.GetValue(baseline)!, parsed.GetValue(directory)!, parsed.GetValue(filter)!).Run());
command.Add(footprint);
var cluster = new Command("cluster", "Compares clusters of three: replicated streams, failover, catch-up, what streams cost at rest.") { server, baseline, rounds, seconds, filter, directory };
cluster.SetAction(parsed => new ClusterComparison(
    parsed.GetValue(server)!, parsed.GetValue(baseline)!, parsed.GetValue(rounds), parsed.GetValue(seconds), parsed.GetValue(filter)!, parsed.GetValue(directory)!).Run());
command.Add(cluster);
var hops = new Command("hops", "Compares what a hop over a route, a gateway and a leaf node connection costs both servers, and many leaf nodes at one hub.") { server, baseline, rounds, seconds, filter, directory };
hops.SetAction(parsed => new HopComparison(
    parsed.GetValue(server)!, parsed.GetValue(baseline)!, parsed.GetValue(rounds), parsed.GetValue(seconds), parsed.GetValue(filter)!, parsed.GetValue(directory)!).Run());
command.Add(hops);
return command.Parse(args).Invoke();
