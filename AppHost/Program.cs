using NatsAspire.AppHost;
using NatsAspire.Hosting;

try
{
#if ASPIRE
    return await AppHostOptions.RunAsync(args, AspireFrontEnd.RunAsync, Publisher.RunAsync);
#else
    return await AppHostOptions.RunAsync(args, LocalFrontEnd.RunAsync, Publisher.RunAsync);
#endif
}
catch (TopologyException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
