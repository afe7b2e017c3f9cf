using System.Text;
using NatsAspire.Server.Configuration.Grammar;

namespace NatsAspire.Server.Configuration.Loading;

/// <summary>Collects what is wrong with a configuration, so that one run reports everything.</summary>
internal sealed class ConfigDiagnostics
{
    private readonly List<string> _errors = [];
    private readonly List<string> _warnings = [];

    public IReadOnlyList<string> Errors => _errors;

    public IReadOnlyList<string> Warnings => _warnings;

    public void Error(string message) => _errors.Add(message);

    public void Error(ConfigValue at, string message) => _errors.Add($"{at.Source}: {message}");

    public void Unknown(string field, ConfigValue at)
    {
        if (!at.IsUsedVariable) Error(at, $"unknown field {QuotedText.Quote(field)}");
    }

    public void Warn(string message) => _warnings.Add(message);

    public void Warn(ConfigValue at, string message) => _warnings.Add($"{at.Source}: {message}");

    public void WarnField(string field, ConfigValue at, string reason) =>
        Warn(at, $"invalid use of field {QuotedText.Quote(field)}: {reason}");

    /// <summary>Reads something whose values may be of a wrong type, which ends the reading and is reported.</summary>
    /// <param name="read">What to read.</param>
    /// <param name="at">Place to report in spite of where the value is; null: the value's.</param>
    /// <returns>False when a type was wrong.</returns>
    public bool Guard(Action read, ConfigValue? at = null)
    {
        try
        {
            read();
            return true;
        }
        catch (ConfigTypeException failure)
        {
            Error(at ?? failure.Value, failure.Message);
        }
        catch (ConfigRefusedException refused)
        {
            Error(refused.Message);
        }
        return false;
    }

    /// <summary>Reads something that may be refused, which is reported.</summary>
    public void GuardRefused(Action read)
    {
        try
        {
            read();
        }
        catch (ConfigRefusedException refused)
        {
            Error(refused.Message);
        }
    }

    /// <summary>Warnings, then errors, each with a line feed.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var line in _warnings.Concat(_errors)) text.Append(line).Append('\n');
        return text.ToString();
    }
}
