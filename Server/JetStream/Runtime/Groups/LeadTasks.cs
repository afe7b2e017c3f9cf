namespace NatsAspire.Server.JetStream.Runtime.Groups;

/// <summary>
/// What every member of a group has been told and only its leader is to do: an answer, an advisory. Who leads later would do it a
/// second time, so nobody keeps it once another leads.
/// </summary>
internal sealed class LeadTasks
{
    private readonly List<(Action Task, bool IsAnyones)> _tasks = [];

    /// <summary>Keeps one until somebody leads.</summary>
    /// <param name="task">Called once at most.</param>
    /// <param name="isAnyones">Whoever leads, it is to be done here.</param>
    public void Add(Action task, bool isAnyones) => _tasks.Add((task, isAnyones));

    /// <summary>This server leads.</summary>
    public void Do()
    {
        foreach (var (task, _) in _tasks) task();
        _tasks.Clear();
    }

    /// <summary>Another server leads.</summary>
    public void Leave()
    {
        foreach (var (task, isAnyones) in _tasks)
        {
            if (isAnyones) task();
        }
        _tasks.Clear();
    }
}
