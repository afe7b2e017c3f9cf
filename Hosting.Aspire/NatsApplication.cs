using System.Runtime.CompilerServices;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace NatsAspire.Hosting;

/// <summary>All clusters of one Aspire application: they become one topology before it starts.</summary>
public sealed class NatsApplication
{
    private static readonly ConditionalWeakTable<IDistributedApplicationBuilder, NatsApplication> Known = [];
    private readonly Dictionary<string, ServerPorts> _ports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IResourceBuilder<ParameterResource>> _parameters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _passwords = new(StringComparer.Ordinal);
    private readonly FreePorts _free = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("natsaspire-apphost-").FullName;

    private NatsApplication(IDistributedApplicationBuilder builder)
    {
        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            Write();
            return Task.CompletedTask;
        });
        if (builder.ExecutionContext.IsPublishMode) NatsPublishing.AddStep(builder, this);
    }

    internal List<NatsClusterResource> Clusters { get; } = [];

    internal List<AccountSpec> Accounts { get; } = [];

    internal List<NatsAssetResource> Assets { get; } = [];

    /// <summary>The topology as it was written; only after the start.</summary>
    internal NatsTopology Topology { get; private set; } = null!;

    /// <summary>By user.</summary>
    internal IReadOnlyDictionary<string, string> Passwords => _passwords;

    internal static NatsApplication Of(IDistributedApplicationBuilder builder) => Known.GetValue(builder, static one => new NatsApplication(one));

    /// <summary>Ports of a server, the same whenever asked.</summary>
    internal ServerPorts PortsOf(string server, int? client)
    {
        if (_ports.TryGetValue(server, out var known)) return known;
        var taken = _free.Take(5);
        return _ports[server] = new ServerPorts(client ?? taken[0], taken[1], taken[2], taken[3], taken[4]);
    }

    internal string ConfigFile(string server) => Path.Combine(_directory, server + ".conf");

    internal string PidFile(string server) => Path.Combine(_directory, server + ".pid");

    /// <summary>Adds a user; the password is the parameter's, or made up.</summary>
    internal void AddUser(string account, UserSpec user, IResourceBuilder<ParameterResource>? password)
    {
        if (password is not null) _parameters[user.Name] = password;
        var index = Accounts.FindIndex(one => one.Name == account);
        if (index < 0) Accounts.Add(new AccountSpec { Name = account, Users = [user] });
        else Accounts[index] = Accounts[index] with { Users = [.. Accounts[index].Users, user] };
    }

    /// <summary>Variables that configurations refer to.</summary>
    internal IEnumerable<(string Variable, IResourceBuilder<ParameterResource> Password)> Parameters =>
        _parameters.Select(one => (TopologySecrets.VariableOf(one.Key), one.Value));

    /// <summary>Name and password of the first user; null: nobody needs one.</summary>
    internal (ReferenceExpression Name, ReferenceExpression Password)? FirstUser()
    {
        if (Accounts.SelectMany(account => account.Users).FirstOrDefault() is not { } user) return null;
        var userName = user.Name;
        if (_parameters.TryGetValue(userName, out var parameter)) return (ReferenceExpression.Create($"{userName}"), ReferenceExpression.Create($"{parameter.Resource}"));
        var password = PasswordOf(user);
        return (ReferenceExpression.Create($"{userName}"), ReferenceExpression.Create($"{password}"));
    }

    /// <summary>user:password@ of the first user; nothing where nobody needs one.</summary>
    internal void AppendCredentials(ReferenceExpressionBuilder expression)
    {
        if (Accounts.SelectMany(account => account.Users).FirstOrDefault() is not { } user) return;
        expression.AppendLiteral($"{Uri.EscapeDataString(user.Name)}:");
        if (_parameters.TryGetValue(user.Name, out var parameter)) expression.AppendFormatted(parameter.Resource, "uri");
        else expression.AppendLiteral(Uri.EscapeDataString(PasswordOf(user)));
        expression.AppendLiteral("@");
    }

    /// <summary>All that was said, as one specification.</summary>
    internal TopologySpec ToSpec() => new()
    {
        Clusters = [.. Clusters.Where(one => one.Spec.Hub is null).Select(one => one.Spec)],
        LeafNodes = [.. Clusters.Where(one => one.Spec.Hub is not null).Select(one => one.Spec)],
        Accounts = Accounts,
        Streams = [.. Assets.Select(one => one.Spec).OfType<StreamSpec>()],
        KeyValues = [.. Assets.Select(one => one.Spec).OfType<KeyValueSpec>()],
        ObjectStores = [.. Assets.Select(one => one.Spec).OfType<ObjectStoreSpec>()],
    };

    private string PasswordOf(UserSpec user)
    {
        if (!_passwords.TryGetValue(user.Name, out var password)) _passwords[user.Name] = password = user.Password ?? TopologySecrets.Generate();
        return password;
    }

    private void Write()
    {
        Topology = NatsTopology.Build(ToSpec(), known: _ports);
        var specs = new Queue<AssetSpec>([.. Topology.Spec.Streams, .. Topology.Spec.KeyValues, .. Topology.Spec.ObjectStores]);
        foreach (var asset in Assets.OrderBy(one => one.Spec is ObjectStoreSpec ? 2 : one.Spec is KeyValueSpec ? 1 : 0)) asset.Spec = specs.Dequeue();
        foreach (var (user, password) in TopologySecrets.Resolve(Topology, _passwords)) _passwords[user] = password;
        foreach (var server in Topology.Servers)
        {
            var data = Clusters.First(one => one.Name == server.Cluster.Name).Data ?? _directory;
            File.WriteAllText(ConfigFile(server.Name), ServerConfigWriter.Write(Topology, server, new AspireSite(this, data)));
        }
    }

    /// <summary>On this machine, with passwords of parameters as variables and a file that says where the process is.</summary>
    private sealed class AspireSite(NatsApplication application, string data) : ServerSite
    {
        private readonly LocalSite _local = new(data, application.Passwords);

        public override string ServerName(NatsServerSpec server) => _local.ServerName(server);

        public override (string Host, ServerPorts Ports) Listen(NatsServerSpec server) => _local.Listen(server);

        public override string Address(NatsServerSpec server, Func<ServerPorts, int> port) => _local.Address(server, port);

        public override string StoreDirectory(NatsServerSpec server) => _local.StoreDirectory(server);

        public override string Password(string user) => application._parameters.ContainsKey(user) ? "$" + TopologySecrets.VariableOf(user) : _local.Password(user);

        public override string LeafUrl(NatsServerSpec hub, string user) => _local.LeafUrl(hub, user);

        public override (string Cert, string Key, string? Ca) Tls(TlsSpec tls) => _local.Tls(tls);

        public override IEnumerable<string> Extra(NatsServerSpec server) => [$"pid_file: {Quote(application.PidFile(server.Name))}"];
    }
}
