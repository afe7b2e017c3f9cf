using NatsAspire.AppHost;
using NatsAspire.Hosting;

return await AppHostOptions.RunAsync(args, async options =>
{
    try
    {
#if ASPIRE
        return await AspireFrontEnd.RunAsync(options);
#else
        return await LocalFrontEnd.RunAsync(options);
#endif
    }
    catch (TopologyException error)
    {
        await Console.Error.WriteLineAsync(error.Message);
        return 1;
    }
});
