namespace NatsAspire.Server.Configuration;

public static partial class OptionsValidator
{
    public static void Validate(ServerOptions options) => ArgumentNullException.ThrowIfNull(options);
}
