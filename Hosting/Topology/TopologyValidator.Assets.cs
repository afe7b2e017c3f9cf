namespace NatsAspire.Hosting;

/// <summary>Accounts, users, and what is made in them.</summary>
internal sealed partial class TopologyValidator
{
    private const int MaxReplicas = 5;
    private const int MaxHistory = 64;
    private static readonly string[] Retentions = ["limits", "interest", "workqueue"];

    private void CheckAccounts()
    {
        var users = new Dictionary<string, string>(StringComparer.Ordinal) { [TopologySecrets.SystemUser] = "the runner itself" };
        for (var i = 0; i < _spec.Accounts.Count; i++)
        {
            var (account, place) = (_spec.Accounts[i], $"accounts[{i}]");
            if (!Tokens().IsMatch(account.Name)) Problem($"{place}.name", $"\"{account.Name}\" cannot name an account: use letters, digits, - and _. $SYS and $G are there anyway");
            if (_spec.Accounts.Take(i).Any(other => other.Name == account.Name)) Problem($"{place}.name", $"\"{account.Name}\" is an account already. Give each its own name");
            if (account.Users.Count == 0) Problem($"{place}.users", "nobody could connect. Add a user: { \"name\": \"app\" }");
            for (var j = 0; j < account.Users.Count; j++) CheckUser(account.Users[j], $"{place}.users[{j}]", users);
        }
    }

    private void CheckUser(UserSpec user, string place, Dictionary<string, string> users)
    {
        if (!Tokens().IsMatch(user.Name)) Problem($"{place}.name", $"\"{user.Name}\" cannot name a user: use letters, digits, - and _");
        else if (user.Name.StartsWith(TopologySecrets.ReservedPrefix, StringComparison.Ordinal)) Problem($"{place}.name", $"names that begin with \"{TopologySecrets.ReservedPrefix}\" are the runner's own. Choose another");
        else if (!users.TryAdd(user.Name, place)) Problem($"{place}.name", $"\"{user.Name}\" is the name of {users[user.Name]} already; servers know users by name only. Rename one");
        if (user.Password is { } password && (password.Length is 0 or > 100 || password.Any(char.IsControl))) Problem($"{place}.password", "has 1 to 100 characters and no control characters. Leave it out to have one made");
        foreach (var (key, subjects) in new[] { ("publish", user.Publish), ("subscribe", user.Subscribe) })
        {
            for (var i = 0; i < subjects.Count; i++)
            {
                if (!SubjectText.IsValid(subjects[i])) Problem($"{place}.{key}[{i}]", $"\"{subjects[i]}\" is no subject. Write tokens apart by dots, as \"orders.>\"");
            }
        }
    }

    private void CheckAssets()
    {
        for (var i = 0; i < _spec.Streams.Count; i++)
        {
            var (stream, place) = (_spec.Streams[i], $"streams[{i}]");
            CheckAsset(stream, place, _spec.Streams.Take(i));
            if (stream.Subjects.Count == 0) Problem($"{place}.subjects", "there is none. Write at least one, as \"orders.>\"");
            for (var j = 0; j < stream.Subjects.Count; j++) CheckSubject(stream, stream.Subjects[j], $"{place}.subjects[{j}]", i);
            if (!Retentions.Contains(stream.Retention)) Problem($"{place}.retention", $"\"{stream.Retention}\" is unknown. Known: {string.Join(", ", Retentions)}");
            if (stream.MaxMessages is < 1) Problem($"{place}.maxMessages", $"{stream.MaxMessages} is too few. Write 1 or more, or leave it out");
        }
        for (var i = 0; i < _spec.KeyValues.Count; i++)
        {
            var bucket = _spec.KeyValues[i];
            CheckAsset(bucket, $"keyValues[{i}]", _spec.KeyValues.Take(i));
            if (bucket.History is < 1 or > MaxHistory) Problem($"keyValues[{i}].history", $"a bucket keeps 1 to {MaxHistory} values of a key, not {bucket.History}");
        }
        for (var i = 0; i < _spec.ObjectStores.Count; i++) CheckAsset(_spec.ObjectStores[i], $"objectStores[{i}]", _spec.ObjectStores.Take(i));
    }

    private void CheckAsset(AssetSpec asset, string place, IEnumerable<AssetSpec> before)
    {
        if (!Tokens().IsMatch(asset.Name)) Problem($"{place}.name", $"\"{asset.Name}\" cannot be a name: use letters, digits, - and _");
        if (before.Any(other => other.Name == asset.Name && other.Account == asset.Account && SameDomain(other, asset))) Problem($"{place}.name", $"\"{asset.Name}\" is there already. Give each its own name");
        if (asset.Storage is not ("file" or "memory")) Problem($"{place}.storage", $"\"{asset.Storage}\" is unknown. Known: file, memory");
        CheckSize($"{place}.maxBytes", asset.MaxBytes);
        if (asset.MaxAge is { } age && age < TimeSpan.FromMilliseconds(100)) Problem($"{place}.maxAge", $"{age} is too short. Write at least \"00:00:00.1\", or leave it out");
        if (asset.Account is null && _spec.Accounts.Count > 0) Problem($"{place}.account", $"there are accounts, so name one of them: {string.Join(", ", _spec.Accounts.Select(account => account.Name))}");
        CheckAccountName($"{place}.account", asset.Account);
        if (_spec.Accounts.FirstOrDefault(account => account.Name == asset.Account) is { JetStream: false }) Problem($"{place}.account", $"\"{asset.Account}\" has no JetStream. Set its jetStream to true");
        if (Find(asset.In) is not { } cluster)
        {
            Problem($"{place}.in", $"there is no cluster \"{asset.In}\". Known: {Known(_all)}");
            return;
        }
        if (cluster.JetStream is null) Problem($"{place}.in", $"\"{asset.In}\" has no JetStream. Add \"jetStream\": {{}} there");
        var size = SizeOf(cluster);
        if (asset.Replicas is < 1 or > MaxReplicas) Problem($"{place}.replicas", $"there are 1 to {MaxReplicas} replicas, not {asset.Replicas}");
        else if (asset.Replicas > size) Problem($"{place}.replicas", $"{asset.Replicas} replicas need as many servers, and \"{asset.In}\" has {size}. Lower the replicas, or raise its servers to {asset.Replicas}");
        foreach (var tag in asset.Tags.Where(tag => !cluster.Tags.Contains(tag))) Problem($"{place}.tags", $"no server of \"{asset.In}\" has the tag \"{tag}\". Add it there, or take it out here");
    }

    private void CheckSubject(StreamSpec stream, string subject, string place, int index)
    {
        if (!SubjectText.IsValid(subject))
        {
            Problem(place, $"\"{subject}\" is no subject. Write tokens apart by dots, as \"orders.>\"");
            return;
        }
        foreach (var other in _spec.Streams.Take(index).Where(other => other.Account == stream.Account && SameDomain(other, stream)))
        {
            if (other.Subjects.FirstOrDefault(theirs => SubjectText.Overlap(theirs, subject)) is { } theirs)
            {
                Problem(place, $"\"{subject}\" and \"{theirs}\" of stream \"{other.Name}\" overlap: a message may go into one of them only. Change one");
            }
        }
    }

    private bool SameDomain(AssetSpec left, AssetSpec right) =>
        left.In == right.In || (Find(left.In) is { } cluster && SuperCluster(cluster, _all).Contains(right.In));
}
