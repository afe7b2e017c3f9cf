namespace NatsAspire.Hosting;

/// <summary>Where a run tells what happens.</summary>
public interface IRunnerLog
{
    /// <summary>A line a server wrote.</summary>
    void ServerLine(string server, string line);

    /// <summary>Something the runner itself has to say.</summary>
    void Notice(string text);
}
